//! The report: docs/performance.md and its charts, from the figures alone.

mod chart;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use askama::Template;

use crate::goals::{GOALS, Verdict, short};
use crate::results::{Metric, Results};
use crate::scenarios::SCENARIOS;
use chart::Chart;

#[derive(Template)]
#[template(path = "performance.md.jinja", escape = "none")]
struct Report<'a> {
    results: &'a Results,
    goals: Vec<[String; 5]>,
    held: usize,
    measured: usize,
    scenarios: Vec<Row>,
    open: Vec<Row>,
    others: Vec<Row>,
    profiles: &'a str,
}

/// A line of a table: what, who, figures.
struct Row {
    scenario: String,
    contestant: String,
    figures: Vec<String>,
}

/// Writes all of it below `docs`.
pub(crate) fn write(results: &Results, docs: &Path, profiles: &Path) -> Result<()> {
    let profiles = fs::read_to_string(profiles).unwrap_or_default();
    let row = |goal: &crate::goals::Goal| {
        let figure = goal.figure(results).map_or_else(|| "–".to_owned(), short);
        let verdict = match goal.verdict(results) {
            Verdict::Holds => "holds",
            Verdict::FallsShort => "**falls short**",
            Verdict::NotMeasured => "not measured",
        };
        [goal.what.to_owned(), goal.against.to_owned(), goal.bound(), figure, verdict.to_owned()]
    };
    let count = |wanted| GOALS.iter().filter(|goal| goal.verdict(results) == wanted).count();
    let names: Vec<String> = SCENARIOS.iter().map(|scenario| scenario.name.to_owned()).collect();
    let open: Vec<String> = names.iter().map(|name| format!("{name}, open loop")).collect();
    let is_other = |name: &&String| !names.contains(name) && !open.contains(name);
    let others: Vec<String> = results.series.keys().filter(is_other).cloned().collect();
    let report = Report {
        results,
        goals: GOALS.iter().map(row).collect(),
        held: count(Verdict::Holds),
        measured: GOALS.len() - count(Verdict::NotMeasured),
        scenarios: rows(results, &names),
        open: rows(results, &open),
        others: rows(results, &others),
        profiles: profiles.trim(),
    };
    let charts = docs.join("performance");
    fs::create_dir_all(&charts)?;
    for chart in Chart::all(results, &names, &open) {
        let file = charts.join(chart.file());
        fs::write(&file, chart.render()?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let file = docs.join("performance.md");
    fs::write(&file, report.render()? + "\n")
        .with_context(|| format!("cannot write {}", file.display()))
}

fn rows(results: &Results, names: &[String]) -> Vec<Row> {
    let mut rows = Vec::new();
    for name in names {
        let contestants = results.series.get(name).into_iter().flatten();
        let mut contestants: Vec<&String> = contestants.map(|(contestant, _)| contestant).collect();
        contestants.sort_by_key(|contestant| contestant.as_str() != "ours");
        for contestant in contestants {
            let figure = |metric| results.median(name, contestant, metric);
            let shown = [
                figure(Metric::Rate).map(|rate| grouped(rate.round())),
                figure(Metric::P50).map(milliseconds),
                figure(Metric::P99).map(milliseconds),
                figure(Metric::ServerCpu).map(|micros| grouped(micros.round())),
                figure(Metric::PostgresCpu).map(|micros| grouped(micros.round())),
                figure(Metric::Memory).map(|bytes| short(bytes / 1e6)),
                figure(Metric::Seconds).map(|seconds| short(seconds * 1e3)),
                figure(Metric::Bytes).map(|bytes| short(bytes / 1e6)),
            ];
            let figures =
                shown.into_iter().map(|figure| figure.unwrap_or_else(|| "–".to_owned())).collect();
            rows.push(Row { scenario: name.clone(), contestant: contestant.clone(), figures });
        }
    }
    rows
}

fn milliseconds(micros: f64) -> String {
    format!("{:.2}", micros / 1e3)
}

/// `12345` as `12,345`.
fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever changes a template, a goal or a profile writes the report anew: `cargo bench-all report`.
    #[test]
    fn the_report_is_made_of_the_last_figures() {
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (docs, made) = (bench.join("../docs"), tempfile::tempdir().unwrap());
        let results = Results::read(&bench.join("results/latest.json")).unwrap();

        write(&results, made.path(), &bench.join("profiles.md")).unwrap();

        let text = |folder: &Path, file: &str| fs::read_to_string(folder.join(file)).unwrap();
        for file in ["performance.md", "performance/cpu.svg", "performance/latency.svg"] {
            assert_eq!(text(made.path(), file), text(&docs, file), "{file}");
        }
    }

    #[test]
    fn figures_are_grouped_by_thousands() {
        assert_eq!(
            [7.0, 999.0, 1000.0, 1_234_567.0].map(grouped),
            ["7", "999", "1,000", "1,234,567"]
        );
    }
}
