"""Training of the learned corrections, on small decoders and the encoder."""

import math

import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from sw.calibrate import load_learned, main
from sw.methods import training as module
from sw.methods.corrections import TRAINED
from sw.methods.method import Method
from sw.methods.observe import observe
from sw.methods.sparsify import sparsify
from sw.methods.training import Training, calibrate, find_blocks
from tests.commands import override


TRAINING = Training(rate=1e-2)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=64,
        bos_token_id=None, eos_token_id=None, initializer_range=0.2)).eval()


def windows(count=24):
    generator = torch.Generator().manual_seed(1)
    return [{"input_ids": torch.randint(64, (1, 32), generator=generator)} for _ in range(count)]


def first_block(model, batches):
    """Outputs of the first block."""
    outputs = []
    handle = model.model.layers[0].register_forward_hook(lambda _, args, y: outputs.append(y))
    with torch.no_grad():
        for batch in batches:
            model(**batch)
    handle.remove()
    return outputs


def mean_error(outputs, targets):
    return sum((a - b).square().mean().item()
               for a, b in zip(outputs, targets, strict=True)) / len(outputs)


@pytest.mark.parametrize("corrections", [
    ("l-pts",), ("shift",), ("ls",), ("ls", "shift"), ("var", "ls", "shift"), ("r-sparse",),
])
def test_every_combination_gets_blocks_closer_to_the_dense_ones(model, corrections):
    batches = windows()
    dense = first_block(model, batches)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = calibrate(model, batches, Method("2:4", corrections=corrections), training=TRAINING)
    assert state["complete"]
    assert all(after < start for start, after in state["error"].values())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())
    errors = []
    for learned in (None, state["learned"]):
        with sparsify(model, "2:4", corrections=corrections, learned=learned):
            errors.append(mean_error(first_block(model, batches), dense))
    assert errors == pytest.approx(state["error"]["model.layers.0"])
    assert mean_error(first_block(model, batches), dense) == 0


def test_the_next_block_is_trained_on_the_outputs_of_the_sparse_one(model, monkeypatch):
    seen = []
    monkeypatch.setattr(module, "_train", lambda *args: seen.append((args[2], args[3])))
    batches = windows(1)
    calibrate(model, batches, Method("2:4", corrections=("ls",)))
    outputs = []
    model.model.layers[1].register_forward_hook(lambda _, args, y: outputs.append(y))
    with sparsify(model, "2:4", layers=["model.layers.0.*"]), torch.no_grad():
        model(**batches[0])
    assert len(outputs) == 1
    assert torch.equal(seen[1][1][0], outputs[0])


def test_seed_decides_the_order_of_the_windows(model, monkeypatch):
    def trained(seed):
        state = calibrate(model, windows(6), Method("2:4", corrections=("ls",)),
                          training=Training(rate=1e-2, seed=seed))
        return torch.cat([value for layer in state["learned"].values()
                          for value in layer.values()])

    assert torch.equal(trained(0), trained(0))
    assert not torch.equal(trained(0), trained(1))
    seeds = []
    monkeypatch.setattr(module, "_train", lambda *args: seeds.append(args[6]))
    for seed in (0, 1):
        calibrate(model, windows(1), Method("2:4", corrections=("ls",)),
                  training=Training(seed=seed))
    assert len(set(seeds)) == 4, "two blocks or two runs see the windows in one order"


def test_interrupted_run_goes_on_to_the_same_parameters(model, tmp_path):
    method = Method("2:4", corrections=("l-pts", "ls"))
    whole = calibrate(model, windows(6), method, training=TRAINING)
    path, steps = tmp_path / "learned.pt", []

    def stop():
        steps.append(1)
        if len(steps) == 9:  # in the second block
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(model, windows(6), method, training=TRAINING, path=path, advance=stop)
    with pytest.raises(ValueError, match="must be of a calibration that has ended"):
        load_learned(path)
    steps.clear()
    calibrate(model, windows(6), method, training=TRAINING, path=path,
              advance=lambda: steps.append(1))
    assert len(steps) == 6
    learned = load_learned(path)
    for name, values in whole["learned"].items():
        assert all(torch.equal(values[key], learned[name][key]) for key in ("l-pts", "ls"))
    assert not list(tmp_path.glob("*.part"))


def test_gradients_pass_through_kept_values_and_corrections_but_not_the_mask():
    linear = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    model = nn.Sequential(linear)
    with sparsify(model, "2:4", corrections=["l-pts"]) as sparse:
        x = torch.tensor([[4.0, 3.0, 2.0, 1.0]], requires_grad=True)
        model(x).sum().backward()
        # y = sum over kept of (x - e + e) w + sum over dropped of e w
        assert x.grad.tolist() == [[1.0, 2.0, 0.0, 0.0]]
        assert sparse.layers["0"].learned["l-pts"].grad.tolist() == [0.0, 0.0, 3.0, 4.0]


def test_rate_rises_and_falls():
    factors = [Training().factor(step, 200) for step in range(200)]
    peak = factors.index(1.0)
    assert peak == 5  # 3 % of 200 steps
    assert factors[:6] == [(k + 1) / 6 for k in range(6)]
    assert 0 < factors[-1] < 0.01
    assert sorted(factors[peak:], reverse=True) == factors[peak:]
    assert math.isclose(factors[100], 100 / 195)


def test_layers_are_grouped_by_block():
    assert find_blocks(["model.layers.0.mlp.up_proj", "model.layers.10.a.b",
                        "model.layers.0.self_attn.q_proj", "3.fc"]) == {
        "model.layers.0": ["model.layers.0.mlp.up_proj", "model.layers.0.self_attn.q_proj"],
        "model.layers.10": ["model.layers.10.a.b"], "3": ["3.fc"]}


class Branches(nn.Module):
    """Blocks side by side, which cannot be trained one after the other."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(8, 8)) for _ in range(2))

    def forward(self, x):
        return sum(block(x) for block in self.blocks)


def test_rejects_models_without_a_chain_of_blocks():
    method, x = Method("2:4", corrections=("ls",)), {"x": torch.ones(1, 8)}
    with pytest.raises(ValueError, match=r"^blocks\.1 must take the output of the block before"):
        calibrate(Branches().eval(), [x], method)
    with pytest.raises(ValueError, match=r"^layers must be inside numbered blocks, such as"):
        calibrate(nn.ModuleDict({"a": nn.Linear(8, 8)}).eval(), [x], method)


def test_rejects_nothing_to_train_and_foreign_parameters(model):
    with pytest.raises(ValueError, match=f"^corrections must have one of {', '.join(TRAINED)}"):
        calibrate(model, windows(1), Method("2:4", corrections=("var",)))
    for numbers, about in (({"integer": True}, "int8"), ({"format": "mxfp4"}, "mxfp4 before")):
        with pytest.raises(ValueError, match=r"^method must be without integer and format to be "
                                             rf"trained, not 2:4 act ls {about}$"):
            calibrate(model, windows(1), Method("2:4", corrections=("ls",), **numbers))
    with pytest.raises(ValueError, match=r"^model must be in evaluation mode, so that its blocks "):
        calibrate(model.train(), windows(1), Method("2:4", corrections=("ls",)))
    learned = calibrate(model.eval(), windows(1), Method("2:4", corrections=("ls",)))["learned"]
    with pytest.raises(ValueError, match=r"^learned must be of the layers that are made sparse"):
        sparsify(model, "2:4", corrections=["ls"], layers=["*up_proj"], learned=learned)
    with pytest.raises(ValueError, match=r"^learned must hold parameters of the shapes"):
        sparsify(model, "2:4", corrections=["l-pts"], learned=learned)


SMALL = ["--model", "minilm", "--count", "2", "--layers", "encoder.layer.[01].output.dense"]


def test_command_trains_the_encoder_and_what_it_writes_loads(tmp_path, capsys):
    path = tmp_path / "new" / "learned.pt"
    main([*SMALL, "-o", str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("sparse: 2 of 37 linear layers, ")
    assert [line.split(":")[0] for line in lines[1:]] == ["encoder.layer.0", "encoder.layer.1"]
    assert set(load_learned(path)["encoder.layer.1.output.dense"]) == {"ls", "shift"}
    from sw.evaluation.activations import encoder
    model = encoder()[1]
    with sparsify(model, "8:16", corrections=["ls", "shift"],
                  layers=["encoder.layer.[01].output.dense"],
                  learned=load_learned(str(path))) as sparse:
        assert sparse.layers["encoder.layer.0.output.dense"].learned["shift"].abs().sum() > 0


def test_command_takes_a_pattern_for_each_layer_and_what_to_ignore(tmp_path, capsys):
    main([*override(SMALL, ["--layers", "encoder.layer.[012].output.dense"]), "-o",
          str(tmp_path / "learned.pt"), "--ignore", "*.1.*", "--epochs", "1", "--pattern",
          "*.0.output.dense=2:4+*=unstructured-50"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("sparse: 2 of 37 linear layers, ")
    assert [line.split(":")[0] for line in lines[1:]] == ["encoder.layer.0", "encoder.layer.2"]
    from sw.files import load
    from sw.methods.training import FORM, KIND
    state = load(tmp_path / "learned.pt", KIND, FORM)
    assert {group["name"]: group["why"] for group in state["coverage"]["groups"]
            if group["state"] == "sparse"} == {"encoder.layer.*.output.dense": "unstructured-50"}
    assert state["identity"]["ignore"] == ["*.1.*"]


@pytest.mark.parametrize(("arguments", "message"), [
    (["--count", "0"], "count must be an integer from 1 to 1048576, not 0"),
    (["--rate", "2"], "rate must be a number above 0 and below 1, not 2"),
    (["--corrections", "var"],
     "corrections must have one of l-pts, shift, ls, r-sparse to be trained, not var"),
    (["--corrections", "best"], ("correction must be one of d-pts, d-pts-mean, s-pts, l-pts, "
                                 "shift, ls, var, r-sparse, smooth, larosa, sharq, not 'best'")),
    (["--layers", "x"], ("layers must match a linear layer of the model (there are dense, key, "
                         "query, value), not 'x'")),
])
def test_command_rejects(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        main([*override(SMALL, arguments), "-o", str(tmp_path / "learned.pt")])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m sw.calibrate: error: {message}"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "noise", "other"])
def test_damaged_or_foreign_checkpoint_is_one_sentence(tmp_path, capsys, damage):
    path = tmp_path / "learned.pt"
    arguments = [*SMALL, "-o", str(path)]
    main(arguments)
    if damage == "other":
        torch.save({"model": torch.ones(2)}, path)
    else:
        path.write_bytes(path.read_bytes()[:2000] if damage == "cut" else b"\x80\x02noise" * 99)
    before = path.read_bytes()
    with pytest.raises(SystemExit):
        main(arguments)
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"python -m sw.calibrate: error: {path} must be a checkpoint of learned corrections, "
        "not a damaged or foreign file")
    assert path.read_bytes() == before


def test_checkpoint_of_another_run_is_refused(tmp_path, capsys):
    path = str(tmp_path / "learned.pt")
    main([*SMALL, "-o", path])
    with pytest.raises(SystemExit):
        main([*SMALL, "--rate", "0.01", "-o", path])
    assert "must be of the same run, not of one whose training is" in capsys.readouterr().err


def test_statistics_reach_training(model):
    batches = windows(2)
    statistics = observe(model, batches, covariance=True)
    for corrections in (("s-pts", "ls"), ("larosa", "shift"), ("smooth", "r-sparse")):
        state = calibrate(model, batches, Method("2:4", "clact", corrections),
                          statistics=statistics)
        assert state["complete"]
