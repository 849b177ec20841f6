//! `cargo dev`: the workspace's own tool.

mod generate;
mod picture;
mod rules_docs;

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
    Gen(generate::Generate),
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
