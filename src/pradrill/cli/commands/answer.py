"""`pradrill answer`: answer a manual step of a run that waits for it, from another terminal."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.adapters.questions.files import FilePeople
from pradrill.app.author import user
from pradrill.app.composition import App
from pradrill.app.running import running
from pradrill.app.spoken import plan_language
from pradrill.cli.json_output import json_argument, print_json
from pradrill.cli.typed import plain
from pradrill.domain.declared.manual_step import Confirm
from pradrill.domain.run.question import Answer, Question
from pradrill.errors import ExitCode, UsageError
from pradrill.ports import Journal
from pradrill.reporting.language.i18n import _, speaking
from pradrill.reporting.text.questions import question_lines

_LONGEST = 4_000


EXAMPLE = "pradrill answer 7f3a9c --yes"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("run", nargs="?", help="a run's id, or any part of it that is unique")
    parser.add_argument(
        "step",
        nargs="?",
        help="the step that waits, or a part of its name: whatever else waits is not answered",
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--yes", action="store_const", const=True, dest="yes", help="it is done, or approved"
    )
    choice.add_argument(
        "--no", action="store_const", const=False, dest="yes", help="it is not, and will not be"
    )
    parser.add_argument("--text", metavar="WORDS", help="the words asked for, or a comment")
    json_argument(parser)


def run(args: Namespace) -> int:
    """Answer a step; without a run, list what waits for an answer."""
    app = App(args)
    people = FilePeople()
    if args.run is None and args.yes is None and args.text is None:
        return _list(app, people)
    if args.run is None:
        raise UsageError(
            "which run is answered is not said", hint="See which one waits: pradrill answer."
        )

    journal = running(
        app.store,
        args.run,
        in_vain="nothing waits for an answer in it",
        hint="Add what is still to be said with pradrill annotate.",
    )
    question = _question(journal, people, args.step)
    answer = _answer(args, question)
    people.give(journal.folder, question.step, answer)
    if args.json:
        facts = {"run_id": journal.run_id, "step": question.step}
        print_json(args, {**facts, **answer.model_dump(mode="json")})
    else:
        with speaking(plan_language(app)):
            print(_answered(question, answer))

    return ExitCode.PASSED


def _answered(question: Question, answer: Answer) -> str:
    values = {"step": question.step, "by": answer.by}
    if answer.yes:
        return _("%(step)s: answered yes by %(by)s", **values)
    return _("%(step)s: answered no by %(by)s", **values)


def _list(app: App, people: FilePeople) -> int:
    waiting = [question for j in app.store.running() if (question := people.waiting(j.folder))]
    if app.for_programs:
        print_json(app.args, {"waiting": [each.model_dump(mode="json") for each in waiting]})
        return ExitCode.PASSED

    with speaking(plan_language(app)):
        for question in waiting:
            print(_("run %(run)s", run=question.run_id), *question_lines(question), sep="\n")
        if not waiting:
            print(_("nothing waits for an answer"))
    return ExitCode.PASSED


def _question(journal: Journal, people: FilePeople, step: str | None) -> Question:
    """Return the question that waits, if `step` means it and no other. Raises UsageError.

    Without a step it is the one that waits: of a run there is one at a time.
    """
    question = people.waiting(journal.folder)
    if step is None:
        if question is None:
            raise UsageError(
                f"the run {journal.run_id} waits for nobody now",
                hint="Look again: pradrill answer.",
            )
        return question

    if question is not None and step.lower() == question.step.lower():
        return question

    for before, answer in people.answered(journal.folder):
        if step.lower() in before.step.lower():
            raise UsageError(
                f'the step "{before.step}" does not wait any more: {answer.by} answered it already',
                hint=_waits(question),
            )
    if question is not None and step.lower() in question.step.lower():
        return question

    raise UsageError(f'the step "{step}" does not wait for an answer', hint=_waits(question))


def _waits(question: Question | None) -> str:
    return f'"{question.step}" waits now.' if question else "No step of that run waits now."


def _answer(args: Namespace, question: Question) -> Answer:
    if question.confirm is Confirm.TEXT and args.text is None and args.yes is not False:
        raise UsageError(
            f'the step "{question.step}" asks for words', hint='Answer with --text "…", or --no.'
        )

    if question.confirm is not Confirm.TEXT and args.yes is None:
        raise UsageError(
            f'the step "{question.step}" asks for a yes or a no',
            hint="Answer with --yes or --no; --text may add words.",
        )

    text = plain(args.text or "")
    if len(text) > _LONGEST:
        raise UsageError(
            f"the answer has {len(text):,} characters; {_LONGEST:,} are kept",
            hint="Say it more shortly; the rest can be told with pradrill annotate.",
        )

    return Answer(yes=args.yes is not False, text=text, by=user(), via="command")
