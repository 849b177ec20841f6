//! The binary `layerwise`: one file per command.

mod actions;
mod apply;
mod ask;
mod changed;
mod check;
mod configs;
mod eval;
mod explain;
mod fix;
mod forget;
mod graph;
mod learn;
mod lint;
mod lsp;
mod migrate;
mod offers;
mod output;
mod parallel;
mod past;
mod picture;
mod plan;
mod progress;
mod since;
mod status;
mod syntax;
mod why;
mod write;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "layerwise", version, about, long_about = None, after_help = status::HELP)]
/// What is wrong with a Dockerfile, how to mend it, and what the next build will run again.
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Check),
    Fix(fix::FixAll),
    Actions(actions::Actions),
    Apply(apply::Apply),
    Plan(Box<plan::Plan>),
    Graph(graph::Graph),
    Why(Box<why::Why>),
    Learn(learn::Learn),
    Forget(forget::Forget),
    Syntax(syntax::Syntax),
    Migrate(migrate::Migrate),
    Explain(explain::Explain),
    Rules(explain::Rules),
    Lsp(lsp::Lsp),
}

fn main() -> ExitCode {
    let status = match Cli::parse().command {
        Command::Check(command) => command.run(),
        Command::Fix(command) => command.run(),
        Command::Actions(command) => command.run(),
        Command::Apply(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Graph(command) => command.run(),
        Command::Why(command) => command.run(),
        Command::Learn(command) => command.run(),
        Command::Forget(command) => command.run(),
        Command::Syntax(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Rules(command) => command.run(),
        Command::Lsp(command) => command.run(),
    };
    status.into()
}
