"""Train the learned corrections of a sparse model: ``python -m sw.calibrate``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw.command.files import check_file
from hw.command.kinds import file, number, one_of, text, whole
from hw.command.parser import Arguments, Parser
from hw.command.progress import doing
from hw.command.run import run
from sw.methods.method import BY_LAYER, Method
from sw.methods.names import CORRECTIONS, CRITERIA, TRAINED, split_names
from sw.methods.schedule import Training


if TYPE_CHECKING:
    from sw.methods.training import Learned


__all__ = ["load_learned", "main"]


def load_learned(path: str | Path) -> "Learned":
    """Read what ``python -m sw.calibrate`` wrote, for ``sparsify(..., learned=)``.

    Raises
    ------
    ValueError
        If the file is damaged, or training was interrupted.
    OSError
        If there is no such file.
    """
    from sw.files import load
    from sw.methods.training import FORM, KIND

    state = load(Path(path), KIND, FORM)
    if not state["complete"]:
        raise ValueError(f"{path} must be of a calibration that has ended, not one that was "
                         "interrupted: run it again to go on")
    return state["learned"]


def _parser() -> Parser:
    parser = Parser(
        "python -m sw.calibrate",
        "Train the learned corrections of a sparse model, block by block. A run that was "
        "interrupted goes on after the last block that is in its file, and gives the same "
        "parameters as one that was not.", extra="model")
    parser.option("-o", "--output", kind=file(), required=True,
                  help="file of the learned parameters")
    parser.option("--model", kind=text(), default="decoder",
                  help="minilm, decoder, or name or folder of a causal model")
    parser.option("--device", kind=one_of("cpu", "cuda"), default="cpu", help="where it runs")
    parser.group("method")
    parser.option("--pattern", aliases=("--patterns",), kind=BY_LAYER, default="8:16",
                  help="N:M, unstructured-P, or one for each layer, the first that matches "
                       "its name, as in '*.down_proj=16:32+*=8:16'")
    parser.option("--criterion", aliases=("--criteria",), kind=one_of(*CRITERIA), default="act",
                  help="what is selected by")
    parser.option("--corrections", kind=text("NAME+NAME"), default="ls+shift",
                  help=f"combination, such as var+ls+shift, of {', '.join(CORRECTIONS)}, with at "
                       f"least one of {', '.join(TRAINED)}")
    parser.option("--layers", kind=text("LAYER"), many=True,
                  help="names of layers that become sparse, such as '*.mlp.*' (default all of "
                       "the language model)")
    parser.option("--ignore", kind=text("LAYER"), many=True,
                  help="names of layers that stay dense, such as '*.layers.0.*'")
    parser.group("training")
    parser.option("--text", kind=text("SOURCE"),
                  help="to train on: a file, or a data set of Hugging Face as "
                       "NAME[:CONFIGURATION[:SPLIT]] (default library source)")
    parser.option("--count", aliases=("--windows",), kind=whole(1, 1 << 20), default=256,
                  help="windows or sentences to train on")
    parser.option("--length", kind=whole(1, 1 << 20), default=256, help="tokens of a window")
    parser.option("--epochs", kind=whole(1, 1 << 20), default=Training.epochs,
                  help="how often each block sees every window")
    parser.option("--rate", kind=number(0, 1, below=True), default=Training.rate,
                  help="highest learning rate")
    parser.option("--seed", kind=whole(0, (1 << 31) - 1), default=Training.seed,
                  help="of the choice and the order of the windows")
    return parser


def _run(arguments: Arguments) -> None:
    """Calibrate as the command line says, and print the error of every block."""
    corrections, = split_names([arguments.corrections])
    method = Method(arguments.pattern, arguments.criterion, corrections)
    if not set(TRAINED) & set(corrections):
        raise ValueError(f"corrections must have one of {', '.join(TRAINED)} to be trained, not "
                         f"{arguments.corrections}")
    if arguments.model == "minilm":
        arguments.refuse("length", where="with minilm, whose sentences have their own")
    check_file("output", arguments.output)

    from sw.evaluation.learned import calibrate_subject
    from sw.evaluation.subjects import load_subject, read_text
    from sw.methods.observe import observe
    given = read_text(arguments.text) if arguments.text else None
    with doing(f"loading {arguments.model}"):
        subject = load_subject(arguments.model, calibration_text=given, count=1,
                               length=arguments.length, calibration=arguments.count,
                               seed=arguments.seed, device=arguments.device)
    with doing("collecting statistics"):
        statistics = observe(subject.model, subject.calibration, arguments.layers,
                             ignore=arguments.ignore, covariance="larosa" in corrections)
    identity = {"model": arguments.model, "text": str(arguments.text or "library"),
                "length": arguments.length}
    training = Training(arguments.rate, arguments.epochs, arguments.seed)
    state = calibrate_subject(subject, method, arguments.layers, arguments.ignore, statistics,
                              training, arguments.output, identity, "calibrating")
    print(state["coverage"]["summary"])
    for name, (before, after) in state["error"].items():
        print(f"{name}: mean squared error {before:.6g} -> {after:.6g}")


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()
