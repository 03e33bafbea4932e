"""Puts the benchmarks' figures into the READMEs and guides.

What stands between `<!-- results:NAME -->` and `<!-- /results -->` is written from benchmarks/results/*.csv and from nothing else.
`make docs` runs it; a house test fails where a README differs from the files.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
BLOCK = re.compile(r"(<!-- results:(\w+) -->\n).*?(<!-- /results -->)", re.DOTALL)
PAGES = {
    "README.md": "en",
    "README.zh-CN.md": "zh",
    "docs/guides/transfer.md": "en",
    "docs/guides/personalise.md": "en",
    "docs/guides/denoise.md": "en",
    "docs/guides/synthesis.md": "en",
    "docs/guides/train.md": "en",
    "docs/guides/networks.md": "en",
    "docs/studies.md": "en",
}

TITLES = {
    "emodb": {
        "en": "EmoDB, seven emotions, ten German speakers held out in turn, from scratch",
        "zh": "EmoDB，七种情绪，十位德语说话人轮流留出，从头训练",
    },
    "ravdess": {
        "en": "RAVDESS, eight emotions, six folds of four actors, from scratch",
        "zh": "RAVDESS，八种情绪，六折、每折四位演员，从头训练",
    },
    "fsdd_speakers": {
        "en": "FSDD, spoken digits, six speakers held out in turn, from scratch",
        "zh": "FSDD，口述数字，六位说话人轮流留出，从头训练",
    },
    "fsdd_official": {
        "en": "FSDD, official split (same six speakers on both sides), from scratch",
        "zh": "FSDD，官方划分（两侧是同样的六位说话人），从头训练",
    },
    "esc10_folds": {
        "en": "ESC-10, environmental sounds, five official folds, from scratch",
        "zh": "ESC-10，环境声，五个官方折，从头训练",
    },
    "esc10_stream": {
        "en": "ESC-10, the same by a network that streams, from scratch",
        "zh": "ESC-10，同上，使用可流式运行的网络，从头训练",
    },
    "emodb_probe": {"en": "EmoDB, upon Whisper tiny.en's first two layers", "zh": "EmoDB，基于 Whisper tiny.en 的前两层"},
    "emodb_student": {
        "en": "EmoDB, upon a student of these two layers, a fifth as large",
        "zh": "EmoDB，基于这两层的学生网络（大小约五分之一）",
    },
    "ravdess_probe": {"en": "RAVDESS, upon Whisper tiny.en's first two layers", "zh": "RAVDESS，基于 Whisper tiny.en 的前两层"},
    "fsdd_probe": {
        "en": "FSDD, speakers held out in turn, upon Whisper tiny.en's encoder",
        "zh": "FSDD，说话人轮流留出，基于 Whisper tiny.en 编码器",
    },
    "esc10_probe": {"en": "ESC-10, upon AudioSet's mn04", "zh": "ESC-10，基于 AudioSet 训练的 mn04"},
    "esc50_probe": {
        "en": "ESC-50's fold 4, four folds by source recording, upon AudioSet's mn04",
        "zh": "ESC-50 第 4 折，按来源录音分四折，基于 AudioSet 训练的 mn04",
    },
}
# mn04 frozen and probed, and tuned whole: cases of recipes.csv.
STARTS = {
    "ESC-10, five official folds": ("esc10_probe", "esc10_tuned"),
    "ESC-50's fold 4, four folds by source recording": ("esc50_probe", "esc50_tuned"),
    "EmoDB, ten speakers held out in turn": ("emodb_frozen", "emodb_tuned"),
    "FSDD, six speakers held out in turn": ("fsdd_frozen", "fsdd_tuned"),
}
RECIPE_HEAD = {
    "en": ("task", "clips judged", "figure", "measured", "95 % interval", "seeds", "parameters", "minutes to train, longest fold", "date"),
    "zh": ("任务", "评判片段数", "指标", "实测", "95 % 区间", "随机种子数", "参数量", "训练分钟数（最长一折）", "日期"),
}
FIGURES = {"accuracy": {"en": "accuracy", "zh": "准确率"}, "balanced_accuracy": {"en": "UAR", "zh": "UAR"}}
RUNTIME = (
    ("install_size", {"en": "installed without extras", "zh": "不带附加项的安装体积"}, "{total_mb} MB"),
    ("help_latency", {"en": "`auricle --help`, cold, median", "zh": "`auricle --help` 冷启动，中位数"}, "{seconds_median} s"),
    (
        "cold_predict",
        {
            "en": "`auricle predict everyday10 clip.wav`, cold, median; peak memory",
            "zh": "`auricle predict everyday10 clip.wav` 冷启动，中位数；内存峰值",
        },
        "{seconds_median} s; {peak_mb} MB",
    ),
    (
        "stream_latency",
        {"en": "one step of a live stream, one thread, median; streams per core", "zh": "实时流的一步，单线程，中位数；每核流数"},
        "{step_p50_ms} ms; {streams_per_core}",
    ),
)
RUNTIME_HEAD = {"en": ("what", "measured", "machine", "date"), "zh": ("项目", "实测", "机器", "日期")}


def filled(text: str, language: str) -> str:
    """The page with every block written anew."""
    makers = {
        "recipes": recipes,
        "starts": starts,
        "runtime": runtime,
        "frozen_probes": frozen_probes,
        "few_shot": few_shot,
        "learnt_denoiser": learnt_denoiser,
        "synthesis": synthesis,
        "throughput": throughput,
        "studies": studies,
        "networks": networks,
    }
    return BLOCK.sub(lambda found: found[1] + makers[found[2]](language) + found[3], text)


def recipes(language: str) -> str:
    """What the shipped recipes reach; emotions, whose classes are uneven, by unweighted average recall."""
    rows = []
    for row in read("recipes"):
        if row["case"] not in TITLES:
            continue
        name = "balanced_accuracy" if row["corpus"] in ("emodb", "ravdess") else "accuracy"
        rows.append(
            (
                TITLES[row["case"]][language],
                row["clips"],
                FIGURES[name][language],
                f"**{float(row[name]):.1%}**",
                f"{float(row[f'{name}_low']):.1%} – {float(row[f'{name}_high']):.1%}",
                row["seeds"],
                f"{int(row['parameters']):,}",
                row["minutes_a_fold_max"] or "–",
                row["date"],
            )
        )
    return table(RECIPE_HEAD[language], rows)


def starts(_language: str) -> str:
    """What the same network reaches as it is, with a classifier upon it, and tuned."""
    found = {row["case"]: row for row in read("recipes")}
    rows = []
    for corpus, cases in STARTS.items():
        if not all(case in found for case in cases):
            continue
        frozen, tuned = (found[case] for case in cases)
        cells = [
            f"**{float(row['accuracy']):.1%}** ({float(row['accuracy_low']):.1%} – {float(row['accuracy_high']):.1%})"
            for row in (frozen, tuned)
        ]
        rows.append((corpus, frozen["clips"], *cells, tuned["minutes_a_fold_max"], tuned["date"]))
    return table(("task", "clips judged", "accuracy, frozen and probed", "accuracy, tuned", "minutes to tune, longest fold", "date"), rows)


def runtime(language: str) -> str:
    """What installing, starting and predicting cost."""
    rows = [
        (titles[language], told.format(**row), row["machine"], row["date"]) for source, titles, told in RUNTIME for row in read(source)[:1]
    ]
    return table(RUNTIME_HEAD[language], rows)


def frozen_probes(_language: str) -> str:
    """What a linear classifier makes of frozen networks' embeddings."""
    rows = [
        (
            each["row"],
            each["set"],
            each["metric"].replace("_", " "),
            f"**{each['value']}**",
            f"{each['low']} – {each['high']}",
            each["clips"],
            each["date"],
        )
        for each in read("frozen_probes")
    ]
    return table(("network", "set", "figure", "measured", "95 % interval", "clips judged", "date"), rows)


def few_shot(_language: str) -> str:
    """What a few clips teach."""
    rows = [
        (
            each["what"],
            each["how"],
            each["clips"],
            each["keep"] or "–",
            each["figure"],
            f"**{each['value']}**",
            f"{each['low']} – {each['high']}",
            each["refused"] or "–",
            each["seconds"],
        )
        for each in read("few_shot")
    ]
    return table(("what", "how", "clips", "`--keep`", "figure", "measured", "95 % interval", "refused", "seconds"), rows)


def synthesis(_language: str) -> str:
    """What made clips do for held-out recordings: a row for each set of training clips, a column for each speaker and seed."""
    found = read("synthesis")
    runs = sorted({(each["speaker"], each["seed"]) for each in found})
    rows = []
    for name in dict.fromkeys(each["trained_on"] for each in found):
        of = {(each["speaker"], each["seed"]): each for each in found if each["trained_on"] == name}
        cells = [f"{float(of[run]['accuracy']):.1%}" if run in of else "–" for run in runs]
        mean = sum(float(each["accuracy"]) for each in of.values()) / len(of)
        first = next(iter(of.values()))
        rows.append((name, first["recordings"], first["made"], *cells, f"**{mean:.1%}**" if len(of) == len(runs) else "–", first["date"]))
    return table(("trained on", "recordings", "made clips", *(f"{who}, seed {seed}" for who, seed in runs), "mean", "date"), rows)


def throughput(_language: str) -> str:
    """How quickly each trains the same network on the same clips."""
    figures = ("clips_per_second", "clips_per_processor_second", "auricle_by_clock", "auricle_by_processor")
    rows = [
        (
            f"{each['set']}, {each['seconds']} s",
            each["trained_by"],
            each["precision"],
            each["threads"],
            *(each[key] for key in figures),
            each["date"],
        )
        for each in read("throughput")
    ]
    head = (
        "clips",
        "trained by",
        "precision",
        "threads",
        "clips/s",
        "clips/s of processor time",
        "auricle is faster by",
        "by processor time",
        "date",
    )
    return table(head, rows)


def studies(_language: str) -> str:
    """The tables of all studies, their headings one level down."""
    pages = [path.read_text(encoding="utf-8") for path in sorted((RESULTS / "studies").glob("*/*/table.md"))]
    return "\n".join(re.sub("^#", "##", page, flags=re.MULTILINE) for page in pages)


def networks(_language: str) -> str:
    """What networks cost, and what they learn from few clips: rows of two benchmarks joined by name."""
    learnt = {each["network"]: each for each in read("model_accuracy")}
    rows = []
    for each in read("model_costs"):
        own = learnt.get(each["network"])
        latency = (
            " / ".join(f"{float(each[f'{form}_{clips}_clips_{threads}_threads_ms']):,.{clips == 1:d}f}" for form in ("torch", "exported"))
            for clips in (1, 32)
            for threads in (1, 2)
        )
        rows.append(
            (
                each["network"],
                f"**{float(own['value']):.1%}** ({float(own['low']):.0%} – {float(own['high']):.0%})" if own else "–",
                f"{int(each['parameters']):,}",
                f"{int(each['macs_10_s']) / 1e6:,.0f}",
                *latency,
                each["date"],
                own["date"] if own else "–",
            )
        )
    times = (f"ms, {clips}, {threads}" for clips in ("1 clip", "32 clips") for threads in ("1 thread", "2 threads"))
    head = (
        "network",
        "accuracy, ESC-10's fold 1",
        "parameters",
        "million products for 10 s",
        *times,
        "costs measured",
        "accuracy measured",
    )
    return table(head, rows)


def learnt_denoiser(_language: str) -> str:
    """What each way of taking noise off gains, by speech, level of the noise and kind of noise."""
    figures = ("si_snr_gain_db", "steady_noises_db", "other_noises_db", "esc_noises_db")
    rows = [
        (
            each["speech"],
            f"{each['snr_db']} dB",
            each["method"],
            *(f"{float(each[key]):+.2f}" for key in figures),
            f"{float(each['share_made_worse']):.0%}",
            each["epochs"] or "–",
            each["date"],
        )
        for each in read("learnt_denoiser")
    ]
    head = ("speech", "mixed at", "method", "all noises", "steady", "other", "ESC-10, fold 5", "made worse", "epochs", "date")
    return table(head, rows)


def read(name: str) -> list[dict[str, str]]:
    """The rows of one table of results; none where it was not measured yet."""
    path = RESULTS / f"{name}.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; nothing where there are no rows."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" if rows else ""


def main() -> None:
    """Writes both READMEs."""
    for name, language in PAGES.items():
        path = ROOT / name
        path.write_text(filled(path.read_text(encoding="utf-8"), language), encoding="utf-8")


if __name__ == "__main__":
    main()
