//! `postloan serve`: the gRPC service.

use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use super::failure::Failure;
use super::options::print;
use crate::serve::{Ending, SettingsLayer, serve, start_logging};

/// Options of `postloan serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// A TOML file of settings, whose keys are the names of the flags with `_` for `-`
    #[arg(long, value_name = "FILE", env = "POSTLOAN_CONFIG")]
    config: Option<PathBuf>,
    /// Print the settings in force as TOML, secrets masked, and end
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    settings: SettingsLayer,
}

pub(super) fn run(args: &ServeArgs) -> Result<Outcome, Failure> {
    let file = match &args.config {
        Some(path) => SettingsLayer::read(path)?,
        None => SettingsLayer::default(),
    };
    let settings = args.settings.clone().over(file).resolve()?;
    if args.print_config {
        print(&settings.to_masked_toml())?;
        return Ok(Outcome::Done);
    }
    start_logging(&settings);
    Ok(match serve(settings)? {
        Ending::Drained => Outcome::Done,
        Ending::AtOnce => Outcome::CutShort,
    })
}
