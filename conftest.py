"""Settings of all tests, and which cases of a test plain pytest leaves to ``pytest -m long``."""

import gc
import os
import sys

import pytest


# Every core has a worker. Threads of PyTorch and NumPy beside them wait for each other most of the
# time, and spin while they do: ten times the time for training on two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Bytecode is kept whatever the environment says: without it every worker compiles all tests anew,
# and every command that a test starts all sources.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

import torch  # noqa: E402  PyTorch reads the number of its threads when it is imported


# Triton reads this when it is first imported, by whatever test: without a GPU, kernels run in its
# interpreter.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")


def pytest_configure(config):
    """Collect garbage between modules alone: elsewhere it walks through netlists and libraries.

    Large designs cannot wait for the end of their module: with them it is collected less often.
    """
    if config.option.markexpr == "not long":
        gc.disable()
    else:
        gc.set_threshold(100_000, 10, 10)


@pytest.fixture(autouse=True, scope="module")
def collector():
    """Collect what the module before left; what is still in use is not looked at again.

    Late in a run that is most of it: designs that are drawn at random, each of which collects what
    it has left, would take ten times as long.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary():
    """Thaw: plugins that report now may ask who refers to an object, which a frozen one hides."""
    gc.unfreeze()


LONG = {
    "sim/tests/test_accelerator.py": (
        "test_accelerator[16:32]", "test_accelerator[1:64]", "test_accelerator[8:8]",
        "test_accelerator[1:4]", "test_accelerator[3:4]", "test_accelerator[4:8]",
        "test_accelerator_of_other_shapes[rows=20,columns=1,tile=4]",
        "test_accelerator_of_other_shapes[pipeline=gathered,rows=4,columns=3,tile=4]",
        "test_accelerator[2:4]", "test_accelerator_of_other_shapes[selector=radix]",
        "test_accelerator_survives_faults[0]"),
    "sim/tests/test_array.py": (
        "test_any_mask_on_an_array_for_16_32[one step]", "test_array[16:32]", "test_array[8:8]",
        "test_array[3:4]", "test_array[4:8]",
        "test_array_that_registers_gathered_weights[ragged tiles-4:4]",
        "test_array_that_registers_gathered_weights[ragged tiles-2:4]", "test_array[1:4]",
        "test_array_of_fewer_bits[int8-int4]",
        "test_array_that_registers_gathered_weights[one tile-2:4]",
        "test_array_that_registers_gathered_weights[one tile-8:16]",
        "test_array_of_dsp_blocks[4:4-ragged tiles]", "test_array_of_one_tile[2]"),
    "sim/tests/test_compressor.py": (
        "test_compressor[rank 1:64 0]", "test_compressor[rank 16:32 0]",
        "test_compressor[rank 8:16 0]", "test_compressor[radix 16:32 7]",
        "test_tokens_ask_for_their_patterns[rank 16:32-]", "test_options[16:32 encoding=rank]",
        "test_compressor[rank 4:8 0]", "test_compressor[rank 1:4 0]", "test_compressor[rank 3:4 0]",
        "test_compressor[rank 3:7 0]", "test_compressor[radix 2:4 0]",
        "test_compressor[radix 4:8 0]", "test_compressor[radix 16:32 0]",
        "test_compressor[radix 1:4 0]", "test_compressor[radix 3:4 0]",
        "test_compressor[radix 8:8 0]", "test_compressor[serial 16:32 0]",
        "test_options[4:8 format=fp8_e5m2]", "test_options[8:16 encoding=index]",
        "test_tokens_ask_for_their_patterns[serial 16:32-]",
        "test_tokens_ask_for_their_patterns[serial 8:16-]"),
    "sim/tests/test_decompressor.py": (
        "test_decompressor[4:8]", "test_decompressor[1:4]", "test_decompressor[3:4]",
        "test_decompressor[16:32]"),
    "sim/tests/test_driver.py": (
        "test_any_pattern_on_one_accelerator[8:16--0.0]",
        "test_any_pattern_on_one_accelerator[8:16--0.3]",
        "test_any_pattern_on_one_accelerator[2:8--0.0]",
        "test_corrections_are_those_of_the_reference[scalar-0.0]",
        "test_corrections_are_those_of_the_reference[median-0.0]",
        "test_bf16_fits_a_narrow_accumulator"),
    "sim/tests/test_jobs.py": (
        "test_parameters_may_come_late[0-0.5-corrected]",
        "test_parameters_may_come_late[0-0.5-scalar]"),
    "sim/tests/test_layer.py": (
        "test_prints_exact_results_in_half_the_cycles",),
    "sim/tests/test_memories.py": (
        "test_no_result_depends_on_a_read_during_a_write[statistics]",
        "test_no_result_depends_on_a_read_during_a_write[unstructured]"),
    "sim/tests/test_patterns.py": (
        "test_all_patterns_are_exact_and_as_fast_as_their_own_arrays",),
    "sim/tests/test_pe.py": (
        "test_pe[16:32]", "test_pe[4:8]", "test_pe[1:4]", "test_pe[3:4]",
        "test_pe_that_registers_gathered_weights[2:4]",
        "test_pe_that_registers_gathered_weights[4:4]", "test_pe_of_fewer_bits[int8-int4]"),
    "sim/tests/test_performance.py": (
        "test_counters_are_those_of_the_rtl[2:4 4x4 10x300x20 raw]",
        "test_counters_are_those_of_the_rtl[2:4 3x2 20x64x6 raw]"),
    "sim/tests/test_quantizer.py": (
        "test_kept_values_are_quantised[32:32 format=bf16 quantize=mxfp4]",),
    "sim/tests/test_selector.py": (
        "test_selector[rank-1:64]", "test_selector[rank-16:32]", "test_selector[rank-4:8]",
        "test_selector[rank-1:4]", "test_selector[rank-3:4]", "test_selector[radix-2:4]",
        "test_selector[radix-4:8]", "test_selector[radix-16:32]", "test_selector[radix-1:4]",
        "test_selector[radix-3:4]", "test_selector[network-2:4]",
        "test_selector_as_a_stream[serial 8:16 0 none]"),
    "sim/tests/test_verilated.py": (
        "test_jobs_are_exact[8:8-0.0]", "test_jobs_are_exact[8:8-0.3]",
        "test_models_close_in_any_order"),
    "tests/formal/test_large_selector_proof.py": (
        "test_whole_selector_of_single_bits[network-16:32]",
        "test_rank_keeps_who_wins_often_enough[16:32]", "test_thresholds_of_any_size_are_right[5]",
        "test_radix_fills_the_mask[16:32-part1]", "test_radix_fills_the_mask[16:32-part0]",
        "test_whole_selector_of_single_bits[rank-8:16]",
        "test_whole_selector_of_single_bits[radix-8:16]",
        "test_radix_step_moves_to_the_probed_lanes[16:32]", "test_count_is_right[16:32]",
        "test_count_is_right[20:32]"),
    "tests/formal/test_selector_proof.py": (
        "test_serial_gives_the_mask_whatever_it_held_before[4:8-3-1]",
        "test_network_keeps_the_first_of_any_order[4:8]",
        "test_serial_gives_the_mask_whatever_it_held_before[3:4-8-1]",
        "test_radix_step_keeps_the_order[4:8]"),
    "tests/hw/accelerator/test_accelerator.py": (
        "test_array_is_busy_while_streams_keep_up",
        "test_jobs_ask_for_their_patterns[all-2:4-asked0]",
        "test_jobs_keep_what_reaches_a_threshold[2:4-2-0.3]",
        "test_a_job_may_be_larger_than_the_buffers[0.4-chunks]",
        "test_a_job_may_be_larger_than_the_buffers[0.0-batches]",
        "test_every_shape_of_array_and_job[1-1-8-1-4]",
        "test_every_shape_of_array_and_job[7-2-8-1-4]", "test_matches_plain_python[0.0-3:7]",
        "test_matches_plain_python[0.6-3:7]",
        "test_a_job_may_be_larger_than_the_buffers[0.0-chunks]",
        "test_matches_plain_python[0.0-2:4]", "test_matches_plain_python[0.6-4:4]",
        "test_every_shape_of_array_and_job[1-1-3-2-2]",
        "test_every_shape_of_array_and_job[7-2-1-1-1]"),
    "tests/hw/array/test_pe.py": (
        "test_accumulates_dot_products_of_kept_activations[16:32]",
        "test_extremes_accumulate_without_overflow[16:32]", "test_formats_of_fewer_bits[2:4-8-4]",
        "test_formats_of_fewer_bits[2:4-4-8]", "test_formats_of_fewer_bits[3:7-4-4]",
        "test_formats_of_fewer_bits[3:7-4-8]", "test_formats_of_fewer_bits[4:4-8-4]",
        "test_formats_of_fewer_bits[4:4-4-4]", "test_accumulator_wraps_at_its_width[64]",
        "test_gathered_weights_wait_for_the_digits[8:16-window]",
        "test_accumulates_dot_products_of_kept_activations[4:8]",
        "test_accumulates_dot_products_of_kept_activations[8:16]",
        "test_accumulates_dot_products_of_kept_activations[3:4]",
        "test_extremes_accumulate_without_overflow[4:8]",
        "test_extremes_accumulate_without_overflow[8:16]",
        "test_extremes_accumulate_without_overflow[3:4]",
        "test_gathered_weights_wait_for_the_digits[8:16-auto]",
        "test_formats_of_fewer_bits[4:4-4-8]", "test_formats_of_fewer_bits[2:4-4-4]",
        "test_accumulator_wraps_at_its_width[20]"),
    "tests/hw/compressor/test_select_stage.py": (
        "test_reset_at_any_cycle_drops_what_is_inside[('serial', 0, 'all', '16:32')]",
        "test_reset_at_any_cycle_drops_what_is_inside[('rank', 0, 'all', '8:16')]"),
    "tests/hw/epilogue/test_epilogue.py": (
        "test_lane_computes_the_bits_of_the_reference[2--9-0.0]",),
    "tests/hw/gather/test_gather.py": (
        "test_kept_values_are_gathered_in_ascending_order[1:64-butterfly]",
        "test_kept_values_are_gathered_in_ascending_order[16:32-butterfly]"),
    "tests/hw/generate/test_emit.py": (
        "test_names_do_not_depend_on_what_else_there_is[change1]",),
    "tests/hw/generate/test_generate.py": (
        "test_writes_verilog_and_a_manifest_that_agree[8:8-accelerator]",
        "test_writes_verilog_and_a_manifest_that_agree[3:7-accelerator]"),
    "tests/hw/generate/test_lint.py": (
        "test_default_accelerator_is_clean", "test_design_is_clean[accelerator-design0]",
        "test_design_is_clean[accelerator-design1]", "test_design_is_clean[accelerator-design3]"),
    "tests/hw/generate/test_ready_paths.py": (
        "test_ready_follows_no_valid[accelerator-{'shift': 'median', 'statistics': True}]",
        "test_ready_follows_no_valid[accelerator-{'shift': 'mean', 'coefficients': 2}]",
        "test_ready_follows_no_valid[accelerator-{'selector': 'serial'}]",
        "test_ready_follows_no_valid[accelerator-{}]",
        "test_ready_follows_no_valid[accelerator-{'flexible': 'all', 'unstructured': True}]",
        "test_ready_follows_no_valid[accelerator-{'epilogue_lanes': 0}]",
        ("test_ready_follows_no_valid[accelerator-{'epilogue_lanes': 0, 'columns': 4, "
         "'bus': 'axi4', 'bus_width': 64, 'decode': True}]")),
    "tests/hw/generate/test_reset.py": (
        "test_reset_alone_makes_every_handshake_known[accelerator-axi4-active_low]",
        "test_reset_alone_makes_every_handshake_known[accelerator-stream-active_high]"),
    "tests/hw/selector/test_selector.py": (
        "test_pattern_at_run_time[rank-all-32]", "test_mask_marks_the_n_largest_scores[rank-1:64]",
        "test_any_width_of_the_scores[radix-16]", "test_pattern_at_run_time[radix-n-16]",
        "test_pattern_at_run_time[rank-n-16]", "test_mask_marks_the_n_largest_scores[rank-16:32]",
        "test_mask_marks_the_n_largest_scores[rank-6:16]",
        "test_mask_marks_the_n_largest_scores[radix-16:32]",
        "test_mask_marks_the_n_largest_scores[radix-1:64]",
        "test_mask_marks_the_n_largest_scores[radix-6:16]"),
    "tests/sw/evaluation/test_subjects.py": (
        "test_what_is_no_data_set_is_named[x:y:z:]",),
    "tests/sw/evaluation/test_tasks.py": (
        "test_harness_scores_the_sparse_decoder",),
    "tests/sw/methods/test_sparsify.py": (
        "test_compiled_model_has_the_same_outputs_and_gradients[unstructured-70-clact-corrections1]",),
    "tests/sw/methods/test_transforms.py": (
        "test_export_with_dynamic_shapes[8:16-act-()-True]",
        "test_export_with_dynamic_shapes[2:4-wina-('d-pts', 'var')-False]",
        "test_export_with_dynamic_shapes[2:4-amber-('d-pts-mean',)-True]",
        "test_export_with_dynamic_shapes[2:4-amber-('d-pts-mean',)-False]",
        "test_export_with_dynamic_shapes[3:7-variance-()-True]",
        "test_export_with_dynamic_shapes[unstructured-50-clact-()-True]",
        "test_export_with_dynamic_shapes[8:16-clact-('smooth',)-False]",
        "test_export_with_dynamic_shapes[8:16-clact-('smooth',)-True]",
        "test_export_with_dynamic_shapes[2:4-weight-()-True]",
        "test_export_with_dynamic_shapes[2:4-act-('r-sparse', 'ls', 'shift', 'l-pts')-True]",
        "test_export_with_dynamic_shapes[2:4-act-('larosa', 's-pts')-False]",
        "test_onnx[('2:4', 'amber', ('d-pts-mean',))-True0]",
        "test_onnx[('unstructured-50', 'clact', ())-False0]"),
    "tests/synth/energy/test_feed.py": (
        "test_pe_accumulates_the_dot_products[4:4-inputs]",
        "test_pe_accumulates_the_dot_products[4:8-inputs]", "test_results_leave_the_array[2:2-2]"),
    "tests/synth/fpga/test_measure.py": (
        "test_a_buffer_becomes_block_memories[xc7-9-0]",),
    "tests/synth/test_commands.py": (
        "test_mapping_that_is_ended_leaves_no_process_and_no_folder[2]",),
}
"""By file. Each is one of several cases of its test, the others being quick, or the large form of a
test with a small one beside it. A test that is long by itself carries the marker where it stands.
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark them; a name that is of no test is an error where all tests are collected."""
    left = {f"{file}::{case}" for file, cases in LONG.items() for case in cases}
    for item in items:
        if item.nodeid in left:
            left.remove(item.nodeid)
            item.add_marker("long")
    if left and config.args == config.getini("testpaths"):
        raise pytest.UsageError(f"LONG in conftest.py names no test: {', '.join(sorted(left))}")
