//! The shop's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    shop_service::main(std::env::args_os())
}
