//! Bar charts: a group of bars a scenario, the longest one of each as long as all others', for a
//! login and a read differ by a hundred times.

use anyhow::Result;
use askama::Template;

use super::{grouped, milliseconds};
use crate::goals::short;
use crate::results::{Metric, Results};

/// In units of the picture.
const LONGEST: f64 = 380.0;
const BAR: usize = 16;
const GAP: usize = 12;
const TOP: usize = 44;

/// Contestants and their colours, in the order of the bars.
const COLOURS: [(&str, &str); 6] = [
    ("ours", "#d9480f"),
    ("FastAPI", "#1c7ed6"),
    ("oidc-provider", "#7048e8"),
    ("pgbench", "#868e96"),
    ("Argon2", "#868e96"),
    ("floor", "#adb5bd"),
];

/// A chart.
#[derive(Template)]
#[template(path = "chart.svg.jinja", escape = "html")]
pub(super) struct Chart {
    file: &'static str,
    title: &'static str,
    height: usize,
    groups: Vec<Group>,
}

struct Group {
    name: String,
    y: usize,
    bars: Vec<Bar>,
}

struct Bar {
    name: &'static str,
    colour: &'static str,
    y: usize,
    width: f64,
    figure: String,
}

impl Chart {
    pub(super) fn all(results: &Results, closed: &[String], open: &[String]) -> [Self; 4] {
        let micros = |figure: f64| format!("{} µs", grouped(figure.round()));
        let memory = ["idle", "GET /cart/ in a login storm"].map(str::to_owned);
        [
            Self::new(
                "throughput.svg",
                "Done in a second (longer is better)",
                results,
                closed,
                Metric::Rate,
                |rate| grouped(rate.round()),
            ),
            Self::new(
                "latency.svg",
                "99 of 100 answers within, at the same rate (shorter is better)",
                results,
                open,
                Metric::P99,
                |micros| milliseconds(micros) + " ms",
            ),
            Self::new(
                "cpu.svg",
                "CPU time of the servers a request (shorter is better)",
                results,
                closed,
                Metric::ServerCpu,
                micros,
            ),
            Self::new(
                "memory.svg",
                "Memory of the servers (shorter is better)",
                results,
                &memory,
                Metric::Memory,
                |bytes| short(bytes / 1e6) + " MB",
            ),
        ]
    }

    pub(super) fn file(&self) -> &'static str {
        self.file
    }

    fn new(
        file: &'static str,
        title: &'static str,
        results: &Results,
        names: &[String],
        metric: Metric,
        shown: impl Fn(f64) -> String,
    ) -> Self {
        let (mut y, mut groups) = (TOP, Vec::new());
        for name in names {
            let figure = |&(contestant, colour)| {
                Some((contestant, colour, results.median(name, contestant, metric)?))
            };
            let figures: Vec<_> = COLOURS.iter().filter_map(figure).collect();
            if figures.is_empty() {
                continue;
            }
            let longest =
                figures.iter().map(|(_, _, figure)| *figure).fold(f64::MIN_POSITIVE, f64::max);
            let bars = figures.iter().enumerate().map(|(at, &(name, colour, figure))| Bar {
                name,
                colour,
                y: y + at * BAR,
                width: (figure / longest * LONGEST).max(1.0).round(),
                figure: shown(figure),
            });
            let bars: Vec<Bar> = bars.collect();
            let next = y + bars.len() * BAR + GAP;
            groups.push(Group { name: name.trim_end_matches(", open loop").to_owned(), y, bars });
            y = next;
        }
        Self { file, title, height: y, groups }
    }

    pub(super) fn render(&self) -> Result<String> {
        Ok(Template::render(self)? + "\n")
    }
}
