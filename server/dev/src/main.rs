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
    /// Compare the plan with a real engine: build before and after an edit, and look what ran again
    Oracle(layerwise_dev::oracle::Oracle),
    /// Prove refactorings and fixes with a real engine: build before and after, and compare the images
    Prove(layerwise_dev::prove::Prove),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Gen(command) => command.run(),
        Command::Picture(command) => command.run(),
        Command::Oracle(command) => return ended(command.run()),
        Command::Prove(command) => return ended(command.run()),
    };
    ended(done.map(|()| ExitCode::SUCCESS).map_err(|error| error.to_string()))
}

fn ended(done: Result<ExitCode, String>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cargo dev: {error}");
            ExitCode::FAILURE
        }
    }
}
