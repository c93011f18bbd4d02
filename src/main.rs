//! The `postloan` program: one result, one exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    postloan::commands::main()
}
