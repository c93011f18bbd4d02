//! `postloan token`: tokens for the service's clients.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::Outcome;
use super::failure::Failure;
use super::options::print;
use crate::serve::{entries, new_token, revoke_token};

/// Options of `postloan token`.
#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes a token, adds its hash to the file, and prints the token: once, it is kept nowhere.
    New {
        /// Whose it is; logs give this name
        name: String,
        /// The last day on which it is taken (UTC), such as 2027-12-31, or a time such as
        /// 2027-12-31T12:00:00Z
        #[arg(long, value_parser = parse_expiry, value_name = "DAY")]
        expires: Timestamp,
        #[command(flatten)]
        file: FileOption,
    },
    /// Lists names and expiries.
    List {
        #[command(flatten)]
        file: FileOption,
    },
    /// Takes a token out of the file.
    Revoke {
        /// Whose it is
        name: String,
        #[command(flatten)]
        file: FileOption,
    },
}

#[derive(Debug, Args)]
struct FileOption {
    /// The file of hashed tokens
    #[arg(
        long = "file",
        value_name = "FILE",
        env = "POSTLOAN_TOKEN_FILE",
        default_value = "tokens.toml"
    )]
    path: PathBuf,
}

pub(super) fn run(args: &TokenArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::New { name, expires, file } => {
            if *expires <= Timestamp::now() {
                return Err(Failure::usage(format!("--expires {expires}: that is over")));
            }
            print(&format!("{}\n", new_token(&file.path, name, *expires)?))?;
        }
        Action::List { file } => {
            let now = Timestamp::now();
            let line = |entry: crate::serve::TokenEntry| {
                let over = if entry.expires <= now { "  expired" } else { "" };
                format!("{:32}  {}{over}\n", entry.name, entry.expires)
            };
            print(&entries(&file.path)?.into_iter().map(line).collect::<String>())?;
        }
        Action::Revoke { name, file } => {
            revoke_token(&file.path, name)?;
            print(&format!("the token of {name} is not taken any more\n"))?;
        }
    }
    Ok(Outcome::Done)
}

/// A time, or the end of a day.
fn parse_expiry(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let expected = |_| "expected a day such as 2027-12-31 or a time such as 2027-12-31T12:00:00Z";
    let day: Date = text.parse().map_err(expected)?;
    let next = day.checked_add(1.day()).map_err(expected)?;
    Ok(next.to_zoned(TimeZone::UTC).map_err(expected)?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_expires_on_a_day_is_taken_until_its_end() {
        assert_eq!(parse_expiry("2027-12-31").unwrap().to_string(), "2028-01-01T00:00:00Z");
        assert_eq!(
            parse_expiry("2027-12-31T12:00:00Z").unwrap().to_string(),
            "2027-12-31T12:00:00Z"
        );
        assert!(parse_expiry("next year").is_err());
    }
}
