//! `cargo bench-all`: how fast both services are, side by side with what else one could take, and
//! with what the machine allows.
//!
//! Its modules, each using only those before it, but for `scenarios` and `systems`, which know each
//! other: a scenario is what is done to a system.
//!
//! | module | what it is |
//! |---|---|
//! | [`options`] | the command line |
//! | [`machine`] | its name, and who uses its processors |
//! | [`results`] | what was measured |
//! | [`goals`] | what was aimed at |
//! | [`load`] | clients that call |
//! | [`systems`] | what is measured, as processes |
//! | [`scenarios`] | what clients do |
//! | [`seed`] | what the databases hold |
//! | [`statements`] | what a visit sends to PostgreSQL |
//! | [`limits`] | what the machine allows |
//! | [`rounds`] | one measurement of one system |
//! | [`report`] | docs/performance.md |
//! | [`stage`] | all systems, up |
//! | [`run`] | everything, in order |

mod goals;
mod limits;
mod load;
mod machine;
mod options;
mod report;
mod results;
mod rounds;
mod run;
mod scenarios;
mod seed;
mod stage;
mod statements;
mod systems;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;

use options::{Command, CommandLine};
use systems::floor;

fn main() -> ExitCode {
    let line = CommandLine::parse();
    // The load has one thread: what is measured needs the others.
    let mut runtime = match line.command {
        Some(Command::Floor { .. }) => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    let done = runtime.enable_all().build().map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            match line.command {
                Some(Command::Floor { address }) => floor::serve(address).await,
                Some(Command::Report) => run::write_report(),
                None => run::run(line.options).await,
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "\n{error:#}");
            ExitCode::FAILURE
        }
    }
}
