//! Where a database is: `sqlite:PATH`, `postgres://…` or `gaussdb://…`.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// SQLite, in a file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// GaussDB or openGauss.
    GaussDb,
}

/// How a connection is encrypted, as libpq defines `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsMode {
    Disable,
    Prefer,
    /// Encrypted; the server's certificate is checked only if `sslrootcert` is given.
    Require,
    /// The certificate must come from `sslrootcert`.
    VerifyCa,
    /// And be the host's.
    VerifyFull,
}

/// What is wrong with an address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DatabaseAddressError {
    /// It is no address of a database.
    #[error(
        "expected a database as sqlite:PATH, postgres://USER@HOST:PORT/DATABASE or gaussdb://…"
    )]
    Form,
    /// There is no host or no user in it.
    #[error("the address of the database has no {0}")]
    Missing(&'static str),
    /// A part of it cannot be what it is.
    #[error("the address of the database has a {part} that cannot be: expected {expected}")]
    Part {
        /// The part.
        part: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// Something is given that is not known.
    #[error(
        "the address of the database sets `{0}`; known are sslmode, sslrootcert, connect_timeout \
         and application_name"
    )]
    Parameter(String),
}

/// Where a database is, and who asks. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseAddress {
    kind: DatabaseKind,
    /// The file of SQLite.
    pub(super) path: PathBuf,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) database: String,
    pub(super) tls: TlsMode,
    pub(super) root_certificates: Option<PathBuf>,
    pub(super) connect_timeout: u64,
    pub(super) application: String,
    /// Whether the connection must not write.
    pub(super) read_only: bool,
}

impl DatabaseAddress {
    /// Whether `text` can only be meant as an address, be it a right one or not: a file's name has
    /// no scheme.
    #[must_use]
    pub fn is_meant_by(text: &str) -> bool {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        text.starts_with("sqlite:")
            || scheme.is_some_and(|s| !s.is_empty() && s.chars().all(char::is_alphanumeric))
    }

    /// Reads an address.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without repeating it: there may be a password in it.
    pub fn parse(address: &str) -> Result<Self, DatabaseAddressError> {
        let empty = Self {
            kind: DatabaseKind::Sqlite,
            path: PathBuf::new(),
            host: String::new(),
            port: 5432,
            user: String::new(),
            password: None,
            database: String::new(),
            tls: TlsMode::Prefer,
            root_certificates: None,
            connect_timeout: 15,
            application: "postloan".to_owned(),
            read_only: false,
        };
        if let Some(path) = address.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(DatabaseAddressError::Missing("path"));
            }
            return Ok(Self { path: path.into(), ..empty });
        }
        let (scheme, rest) = address.split_once("://").ok_or(DatabaseAddressError::Form)?;
        let (kind, port) = match scheme {
            "postgres" | "postgresql" => (DatabaseKind::Postgres, 5432),
            "gaussdb" | "opengauss" => (DatabaseKind::GaussDb, 8000),
            _ => return Err(DatabaseAddressError::Form),
        };
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(decode(password)?)),
            None => (login, None),
        };
        let (host, port) = match place.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, number)) if !number.contains(']') => {
                let expected = "a number from 1 to 65535";
                let number = number
                    .parse()
                    .map_err(|_| DatabaseAddressError::Part { part: "port", expected })?;
                (host, number)
            }
            _ => (place, port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let mut parsed = Self {
            kind,
            host: decode(host)?,
            port,
            user: decode(user)?,
            password,
            database: decode(database)?,
            ..empty
        };
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            parsed.set(name, &decode(value)?)?;
        }
        if parsed.host.is_empty() {
            return Err(DatabaseAddressError::Missing("host"));
        }
        if parsed.user.is_empty() {
            return Err(DatabaseAddressError::Missing("user"));
        }
        if parsed.database.is_empty() {
            parsed.database.clone_from(&parsed.user);
        }
        if parsed.tls >= TlsMode::VerifyCa && parsed.root_certificates.is_none() {
            return Err(DatabaseAddressError::Missing(
                "sslrootcert, without which no certificate can be verified",
            ));
        }
        Ok(parsed)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), DatabaseAddressError> {
        match name {
            "sslmode" => {
                self.tls = match value {
                    "disable" => TlsMode::Disable,
                    "allow" | "prefer" => TlsMode::Prefer,
                    "require" => TlsMode::Require,
                    "verify-ca" => TlsMode::VerifyCa,
                    "verify-full" => TlsMode::VerifyFull,
                    _ => {
                        let expected = "disable, prefer, require, verify-ca or verify-full";
                        return Err(DatabaseAddressError::Part { part: "sslmode", expected });
                    }
                }
            }
            "sslrootcert" => self.root_certificates = Some(value.into()),
            "application_name" => value.clone_into(&mut self.application),
            "connect_timeout" => {
                let expected = "a number of seconds";
                self.connect_timeout = value.parse().map_err(|_| DatabaseAddressError::Part {
                    part: "connect_timeout",
                    expected,
                })?;
            }
            _ => return Err(DatabaseAddressError::Parameter(name.to_owned())),
        }
        Ok(())
    }

    /// Which database it is.
    #[must_use]
    pub fn kind(&self) -> DatabaseKind {
        self.kind
    }

    /// With this password.
    #[must_use]
    pub fn with_password(self, password: Option<String>) -> Self {
        Self { password: password.or(self.password), ..self }
    }

    /// For a connection that cannot write, nor make a file that is not there.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }

    /// What the database itself is called: without host, user and folders.
    #[must_use]
    pub fn short_name(&self) -> String {
        match self.kind {
            DatabaseKind::Sqlite => {
                let file = self.path.file_name().unwrap_or(self.path.as_os_str());
                format!("sqlite:{}", file.to_string_lossy())
            }
            DatabaseKind::Postgres => format!("postgres:{}", self.database),
            DatabaseKind::GaussDb => format!("gaussdb:{}", self.database),
        }
    }

    /// With the paths in it taken from `folder`, where they are relative.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        if self.kind == DatabaseKind::Sqlite {
            self.path = folder.join(&self.path);
        }
        self.root_certificates = self.root_certificates.map(|path| folder.join(path));
        self
    }
}

impl PartialOrd for TlsMode {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (*self as u8).partial_cmp(&(*other as u8))
    }
}

/// A part of an address with its `%XX` decoded.
fn decode(part: &str) -> Result<String, DatabaseAddressError> {
    let error =
        || DatabaseAddressError::Part { part: "percent sign", expected: "%XX for a byte of UTF-8" };
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (high, low) = (digit().ok_or_else(error)?, digit().ok_or_else(error)?);
        bytes.push(u8::try_from(16 * high + low).map_err(|_| error())?);
    }
    String::from_utf8(bytes).map_err(|_| error())
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            DatabaseKind::Sqlite => return write!(f, "sqlite:{}", self.path.display()),
            DatabaseKind::Postgres => "postgres",
            DatabaseKind::GaussDb => "gaussdb",
        };
        let Self { user, host, port, database, .. } = self;
        write!(f, "{scheme}://{user}@{host}:{port}/{database}")
    }
}

impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_the_password() {
        let address = DatabaseAddress::parse(
            "postgres://night%40bank:s%3Acret@db.bank:6432/dw?sslmode=verify-full&sslrootcert=ca.pem",
        )
        .unwrap();
        assert_eq!(address.user, "night@bank");
        assert_eq!(address.password.as_deref(), Some("s:cret"));
        assert_eq!((address.port, address.tls), (6432, TlsMode::VerifyFull));
        assert_eq!(format!("{address}"), "postgres://night@bank@db.bank:6432/dw");
        assert!(!format!("{address:?}").contains("cret"));
        let gauss = DatabaseAddress::parse("gaussdb://u@[::1]/d").unwrap();
        assert_eq!((gauss.host.as_str(), gauss.port), ("::1", 8000));
        let sqlite = DatabaseAddress::parse("sqlite:data/night.db").unwrap();
        assert_eq!(sqlite.in_folder(Path::new("/srv")).path, Path::new("/srv/data/night.db"));
    }

    #[test]
    fn what_is_wrong_is_said_without_repeating_the_address() {
        for (address, sentence) in [
            ("mysql://u:secret@h/d", "expected a database as sqlite:PATH"),
            ("postgres://u:secret@/d", "has no host"),
            ("postgres://h/d", "has no user"),
            ("postgres://u:secret@h:x/d", "port that cannot be"),
            ("postgres://u:secret@h/d?sslmode=maybe", "expected disable, prefer"),
            ("postgres://u:secret@h/d?sslmode=verify-ca", "has no sslrootcert"),
            ("postgres://u:secret@h/d?ssl=1", "sets `ssl`"),
            ("sqlite:", "has no path"),
        ] {
            let error = DatabaseAddress::parse(address).unwrap_err().to_string();
            assert!(error.contains(sentence) && !error.contains("secret"), "{address}: {error}");
        }
    }
}
