//! The auth service's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    auth_service::main(std::env::args_os())
}
