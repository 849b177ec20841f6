//! `cargo dev`: the workspace's own tool.

mod generated;
mod picture;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo dev", about = "The workspace's own tool", long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Gen(generated::Gen),
    Picture(picture::Picture),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Gen(command) => command.run(),
        Command::Picture(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo dev: {error}");
            ExitCode::FAILURE
        }
    }
}
