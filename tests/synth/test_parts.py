"""Where area and energy go, by the names of modules."""

import pytest

from hw.config import Design, Pattern
from hw.generate.designs import verilog
from synth.flow import CELLS, Flow
from synth.library import liberty
from synth.parts import OTHER, PARTS, REGISTERS, areas, part, part_within


@pytest.mark.parametrize(("module", "expected"), [
    ("nm_pe_stage_4to2x8_a7de46", "gather"), ("nm_compressor_gather_2of4x8", "gather"),
    ("nm_pe_dot_product", "multipliers and adders"), ("nm_array_recoder", "decoders"),
    ("nm_pe_aligned_dot_product", "multipliers and adders"),
    ("nm_pe_float_accumulator_28_infinite", "multipliers and adders"),
    ("nm_array_network_decoder", "decoders"), ("nm_array_result_column", "results"),
    ("nm_array_select_decoder_2of4", "decoders"), ("nm_compressor_block_sums", "compressor"),
    ("nm_compressor_radix_selector", "selector"), ("nm_compressor_token_shift", "compressor"),
    ("nm_compressor_pipelined_radix_stage", "selector"),
    ("nm_compressor_serial_stage", "selector"), ("nm_compressor_select_stage", "selector"),
    ("nm_accelerator_compact_stage", "compactor"), ("nm_accelerator_steps_stage", "steps"),
    ("nm_accelerator_step_counts", "steps"), ("nm_compressor_rank_encoder", "metadata"),
    ("nm_decompressor_bitmask_decoder", "metadata"), ("nm_accelerator_lane", "epilogue"),
    ("nm_accelerator_token_table", "epilogue"), ("nm_accelerator_token_gate", "control"),
    ("nm_accelerator_passes_tiles_all", "control"), ("nm_accelerator_weight_buffer", "buffers"),
    ("buffers", "inserted buffers"), ("nm_array_array", OTHER),
])
def test_modules_have_their_part(module, expected):
    assert part(module) == expected
    assert expected in PARTS or expected == OTHER


@pytest.mark.parametrize(("module", "within", "expected"), [
    ("nm_accelerator_stage_4to2x8_a7de46", "compactor", "compactor"),
    ("nm_accelerator_select_decoder_2of4", "compactor", "compactor"),
    ("nm_accelerator_stage_4to2x8_a7de46", "multipliers and adders", "gather"),
    ("nm_accelerator_stream_register_35", "buffers", "buffers"),
    ("nm_accelerator_count_4", "selector", "selector"),
])
def test_what_stands_in_a_part_belongs_to_it(module, within, expected):
    assert part(module, within) == expected


@pytest.mark.parametrize(("modules", "expected"), [
    ("accelerator_compressor accelerator_compactor_16to8 accelerator_stage_16to8x8_16489a",
     "compactor"),
    ("accelerator_array_4x4 accelerator_pe accelerator_stage_16to14x8_9ba34f", "gather"),
    ("accelerator_compressor accelerator_stream_register_81", "compressor"),
    ("accelerator_weight_buffer accelerator_stream_register_81", "buffers"),
    ("accelerator_epilogue accelerator_lane", "epilogue"),
    ("accelerator_stepper", "control"), ("accelerator_stream_register_81", OTHER),
])
def test_gates_have_the_part_of_all_modules_around_them(modules, expected):
    assert part_within(("nm_accelerator", *(f"nm_{name}" for name in modules.split()))) == expected


def test_areas_are_added_by_part_and_registers_apart():
    modules = {
        "nm_x": {"area": 5.0, "registers": 2.0, "children": {"nm_x_compact_stage": 2,
                                                              "nm_x_stage_4to2x8_ab": 1}},
        "nm_x_compact_stage": {"area": 7.0, "registers": 3.0,
                               "children": {"nm_x_stage_4to2x8_ab": 3}},
        "nm_x_stage_4to2x8_ab": {"area": 1.0, "registers": 0.0, "children": {}},
    }
    assert areas("nm_x", modules) == {"other": 3.0, "registers": 8.0, "compactor": 14.0,
                                      "gather": 1.0}


def test_parts_of_a_design_are_its_area():
    design = Design(Pattern(2, 4)).only("compressor")
    result, = Flow(liberty.read(CELLS)).run([(verilog("compressor", design), "nm_compressor")])
    found = areas("nm_compressor", result.modules)
    assert sum(found.values()) == pytest.approx(result.area)
    assert {"selector", "compactor", REGISTERS} <= found.keys()
