//! Bearer tokens: a file of names, hashes and expiries; never the tokens themselves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;

use crate::model::hexadecimal;

/// How many random bytes a token has.
const TOKEN_BYTES: usize = 32;

/// One token of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// Whose it is, for logs.
    pub name: String,
    /// The SHA-256 of the token, in hexadecimal.
    pub sha256: String,
    /// The end of its life.
    pub expires: Timestamp,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    #[serde(default)]
    token: Vec<TokenEntry>,
}

/// Why a file of tokens cannot be used.
#[derive(Debug, Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what it must be. Nothing of its contents is told.
    #[error("`{path}`: {reason}", path = path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What was expected.
        reason: String,
    },
    /// A new token cannot be made or written.
    #[error("cannot make a token in `{path}`", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why a call's token was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum TokenRefusal {
    #[error("expected `authorization: Bearer <token>` in the metadata")]
    Missing,
    #[error("the token is not one of this server's")]
    Unknown,
    #[error("the token of `{name}` expired at {expired}")]
    Expired { name: String, expired: Timestamp },
}

/// The tokens of a file.
#[derive(Debug)]
pub struct Tokens(Vec<Known>);

#[derive(Debug)]
struct Known {
    name: String,
    hash: [u8; 32],
    expires: Timestamp,
}

impl Tokens {
    /// Reads a file of tokens.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is of another form.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let invalid = |reason: String| TokenError::Invalid { path: path.to_owned(), reason };
        let known = entries(path)?.into_iter().map(|entry| {
            let hash = from_hexadecimal(&entry.sha256).ok_or_else(|| {
                invalid(format!("token `{}`: sha256 must be 64 hexadecimal digits", entry.name))
            })?;
            Ok(Known { name: entry.name, hash, expires: entry.expires })
        });
        known.collect::<Result<_, _>>().map(Self)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whose token the `authorization` of a call is. It takes the same time whichever it is.
    pub(super) fn check(
        &self,
        authorization: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<&str, TokenRefusal> {
        let token = authorization
            .and_then(|value| value.split_at_checked(7))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
            .map(|(_, token)| token)
            .ok_or(TokenRefusal::Missing)?;
        let hash = Sha256::digest(token);
        let mut found = None;
        for known in &self.0 {
            let same: Choice = known.hash[..].ct_eq(&hash[..]);
            if bool::from(same) {
                found = Some(known);
            }
        }
        match found {
            None => Err(TokenRefusal::Unknown),
            Some(known) if known.expires <= now => {
                Err(TokenRefusal::Expired { name: known.name.clone(), expired: known.expires })
            }
            Some(known) => Ok(&known.name),
        }
    }
}

/// Makes a token, adds its hash to the file, which need not exist yet, and gives the token: it is
/// kept nowhere.
///
/// # Errors
///
/// A file of another form, or one that cannot be written; a name that is in it already.
pub fn new_token(path: &Path, name: &str, expires: Timestamp) -> Result<String, TokenError> {
    let mut random = [0; TOKEN_BYTES];
    let write_error = |source| TokenError::Write { path: path.to_owned(), source };
    getrandom::fill(&mut random).map_err(|error| write_error(io::Error::other(error)))?;
    let token = hexadecimal(&random);
    let mut token_entries = match entries(path) {
        Err(TokenError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Vec::new()
        }
        read => read?,
    };
    if token_entries.iter().any(|entry| entry.name == name) {
        let reason = format!("there is a token `{name}` already; give each its own name");
        return Err(TokenError::Invalid { path: path.to_owned(), reason });
    }
    let sha256 = hexadecimal(&Sha256::digest(token.as_bytes()));
    token_entries.push(TokenEntry { name: name.to_owned(), sha256, expires });
    write(path, token_entries)?;
    Ok(token)
}

/// The entries of a file of tokens.
///
/// # Errors
///
/// A file that cannot be read or is of another form.
pub fn entries(path: &Path) -> Result<Vec<TokenEntry>, TokenError> {
    let source = fs::read_to_string(path)
        .map_err(|source| TokenError::Read { path: path.to_owned(), source })?;
    let file: TokenFile = toml::from_str(&source).map_err(|error| {
        let line = source[..error.span().map_or(0, |span| span.start)].matches('\n').count() + 1;
        let reason = format!("line {line}: {}", error.message());
        TokenError::Invalid { path: path.to_owned(), reason }
    })?;
    Ok(file.token)
}

/// Takes the token `name` out of a file of tokens.
///
/// # Errors
///
/// A file that cannot be read or written, or in which there is no such token.
pub fn revoke_token(path: &Path, name: &str) -> Result<(), TokenError> {
    let mut token_entries = entries(path)?;
    let before = token_entries.len();
    token_entries.retain(|entry| entry.name != name);
    if token_entries.len() == before {
        let reason = format!("there is no token `{name}` in it");
        return Err(TokenError::Invalid { path: path.to_owned(), reason });
    }
    write(path, token_entries)
}

/// Replaces the file whole; only its owner may read it.
fn write(path: &Path, token: Vec<TokenEntry>) -> Result<(), TokenError> {
    let write_error = |source| TokenError::Write { path: path.to_owned(), source };
    let contents = toml::to_string(&TokenFile { token })
        .map_err(|error| write_error(io::Error::other(error)))?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(write_error)?;
    io::Write::write_all(&mut draft, contents.as_bytes()).map_err(write_error)?;
    draft.as_file().sync_all().map_err(write_error)?;
    draft.persist(path).map_err(|error| write_error(error.error))?;
    Ok(())
}

fn from_hexadecimal(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_taken_until_it_expires_or_is_revoked_and_is_not_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let expires: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let token = new_token(&path, "credit-system", expires).unwrap();
        assert!(!fs::read_to_string(&path).unwrap().contains(&token));
        assert!(new_token(&path, "credit-system", expires).is_err());

        let tokens = Tokens::read(&path).unwrap();
        let bearer = format!("Bearer {token}");
        let second = jiff::SignedDuration::from_secs(1);
        assert_eq!(tokens.check(Some(bearer.as_bytes()), expires - second), Ok("credit-system"));
        let expired = TokenRefusal::Expired { name: "credit-system".to_owned(), expired: expires };
        assert_eq!(tokens.check(Some(bearer.as_bytes()), expires), Err(expired));
        assert_eq!(tokens.check(Some(b"Bearer x"), expires), Err(TokenRefusal::Unknown));
        for none in [None, Some(&b"Basic abc"[..]), Some(b""), Some(b"Bearer")] {
            assert_eq!(tokens.check(none, expires), Err(TokenRefusal::Missing));
        }

        revoke_token(&path, "credit-system").unwrap();
        assert_eq!(Tokens::read(&path).unwrap().count(), 0);
        assert!(revoke_token(&path, "credit-system").is_err());
    }

    #[test]
    fn a_hash_that_is_none_is_refused_by_the_tokens_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let entry = "[[token]]\nname = \"a\"\nsha256 = \"12\"\nexpires = \"2030-01-01T00:00:00Z\"";
        fs::write(&path, entry).unwrap();
        assert!(Tokens::read(&path).unwrap_err().to_string().contains("token `a`"));
    }
}
