//! `cargo dev`: the whole system on one machine, with one command.
//!
//! Its modules, each using only those before it:
//!
//! | module | what it is |
//! |---|---|
//! | [`steps`] | what is shown while it starts |
//! | [`secrets`] | secrets and demo passwords: made once, kept in a folder |
//! | [`process`] | a service as a process of its own |
//! | [`demo`] | demo data: users, categories, products |
//! | [`options`] | the command line, and what follows from it |
//! | [`stack`] | all of it, up and down |
//!
//! One binary is all three processes: it starts itself again as `devstack auth-service …` and
//! `devstack shop-service …`, so that one build is enough.

mod demo;
mod options;
mod process;
mod secrets;
mod stack;
mod steps;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use options::{Command, CommandLine};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let service = args.get(1).and_then(|name| name.to_str());
    match service {
        Some(process::AUTH) => process::as_service(args, auth_service::main),
        Some(process::SHOP) => process::as_service(args, shop_service::main),
        _ => run(CommandLine::parse_from(args)),
    }
}

/// On this thread alone: a child ends with the thread that started it, and this one lives as long
/// as the process.
fn run(line: CommandLine) -> ExitCode {
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| match line.command {
            Some(Command::Demo(options)) => runtime.block_on(demo::run(options)),
            None => runtime.block_on(stack::run(line.options)),
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "\n{error:#}");
            ExitCode::FAILURE
        }
    }
}
