//! Versions of models on disk: `models/<name>/<version>/`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bundle::{ModelBundle, ModelError, read_manifest};
use super::manifest::{Manifest, ModelId};

/// The file beside the versions that names the one in use.
const PRODUCTION: &str = "production";
/// The file of all promotions, a JSON object a line.
const HISTORY: &str = "production-history.jsonl";
/// The file that is locked while a version is promoted.
const LOCK: &str = ".production.lock";

/// The folder of one model's versions, `models/<name>`.
#[derive(Debug, Clone)]
pub struct ModelStore {
    folder: PathBuf,
}

/// One version in a [`ModelStore`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVersion {
    /// The version: 1, 2, 3 …
    pub version: u32,
    /// Its folder.
    pub path: PathBuf,
}

/// A change of the version in production, as the history keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// When.
    pub at: Timestamp,
    /// Who: a user name.
    pub by: String,
    /// What was asked for.
    pub kind: PromotionKind,
    /// The version in use before; `None` if there was none.
    pub from: Option<u32>,
    /// The version in use after.
    pub to: u32,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromotionKind {
    /// A version was named.
    Promote,
    /// The one before was wanted back.
    Rollback,
}

impl ModelStore {
    /// The store in `folder`, whose last part is the model's name. It need not exist yet.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The versions, in ascending order; none if there is no such folder.
    ///
    /// # Errors
    ///
    /// A folder that cannot be listed.
    pub fn versions(&self) -> Result<Vec<StoredVersion>, ModelError> {
        let read_error = |source| ModelError::Read { path: self.folder.clone(), source };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(read_error(error)),
        };
        let mut versions = Vec::new();
        for entry in entries {
            let entry = entry.map_err(read_error)?;
            if let Some(version) = entry.file_name().to_str().and_then(parse_version)
                && entry.path().is_dir()
            {
                versions.push(StoredVersion { version, path: entry.path() });
            }
        }
        versions.sort_by_key(|stored| stored.version);
        Ok(versions)
    }

    /// The file beside the versions that names the one in use. There need not be one.
    #[must_use]
    pub fn production_file(&self) -> PathBuf {
        self.folder.join(PRODUCTION)
    }

    /// The version that the `production` file names; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or that names no version of the store.
    pub fn production(&self) -> Result<Option<StoredVersion>, ModelError> {
        let path = self.folder.join(PRODUCTION);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ModelError::Read { path, source }),
        };
        let named = parse_version(text.trim());
        let stored = self.versions()?.into_iter().find(|stored| Some(stored.version) == named);
        match stored {
            Some(stored) => Ok(Some(stored)),
            None => Err(ModelError::Production { path, found: text.trim().to_owned() }),
        }
    }

    /// The version in use: the one `production` names, otherwise the highest; `None` if there is
    /// none.
    ///
    /// # Errors
    ///
    /// As [`production`](Self::production) and [`versions`](Self::versions).
    pub fn current(&self) -> Result<Option<StoredVersion>, ModelError> {
        match self.production()? {
            Some(stored) => Ok(Some(stored)),
            None => Ok(self.versions()?.pop()),
        }
    }

    /// Puts `version` in production: writes its number to the `production` file, whole or not at
    /// all, and adds a line to the history. The caller has made sure that the version can be used.
    ///
    /// # Errors
    ///
    /// There is no such version, or the store cannot be written; then production is as it was.
    pub fn promote(&self, version: u32, by: &str) -> Result<Promotion, ModelError> {
        let _only_one = self.lock()?;
        self.put_in_production(PromotionKind::Promote, version, by)
    }

    /// The version that was in production before the one that is now, and was not rolled back
    /// itself.
    ///
    /// # Errors
    ///
    /// There was none before, or the history cannot be read.
    pub fn before_current(&self) -> Result<StoredVersion, ModelError> {
        let history = self.history()?;
        let version = version_before(&history).ok_or_else(|| ModelError::Invalid {
            path: self.folder.join(HISTORY),
            reason: "no version was in production before the one that is now".to_owned(),
        })?;
        self.version(version)
    }

    /// Puts back into production what [`before_current`](Self::before_current) gives.
    ///
    /// # Errors
    ///
    /// As there, or the store cannot be written; then production is as it was.
    pub fn rollback(&self, by: &str) -> Result<Promotion, ModelError> {
        let _only_one = self.lock()?;
        let before = self.before_current()?;
        self.put_in_production(PromotionKind::Rollback, before.version, by)
    }

    /// All promotions and rollbacks, the oldest first.
    ///
    /// # Errors
    ///
    /// A history that cannot be read.
    pub fn history(&self) -> Result<Vec<Promotion>, ModelError> {
        let path = self.folder.join(HISTORY);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(ModelError::Read { path, source }),
        };
        let promotions = text.lines().zip(1..).map(|(line, number)| {
            serde_json::from_str(line).map_err(|error| ModelError::Invalid {
                path: path.clone(),
                reason: format!("line {number}: {error}"),
            })
        });
        promotions.collect()
    }

    /// One version of the store.
    ///
    /// # Errors
    ///
    /// There is no such version.
    pub fn version(&self, version: u32) -> Result<StoredVersion, ModelError> {
        let stored = self.versions()?.into_iter().find(|stored| stored.version == version);
        stored.ok_or_else(|| ModelError::NotFound(self.folder.join(version.to_string())))
    }

    fn put_in_production(
        &self,
        kind: PromotionKind,
        version: u32,
        by: &str,
    ) -> Result<Promotion, ModelError> {
        let stored = self.version(version)?;
        let path = self.production_file();
        let before = match fs::read(&path) {
            Ok(contents) => Some(contents),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(ModelError::Read { path, source }),
        };
        let promotion = Promotion {
            at: Timestamp::now(),
            by: by.to_owned(),
            kind,
            // A `production` file that names nothing does not keep anybody from mending it.
            from: self.current().ok().flatten().map(|stored| stored.version),
            to: stored.version,
        };
        let write_error = |source| ModelError::Write { path: path.clone(), source };
        replace(&path, format!("{version}\n").as_bytes()).map_err(write_error)?;
        if let Err(error) = self.add_to_history(&promotion) {
            // Nothing is in production that the history does not know.
            match before {
                Some(contents) => replace(&path, &contents).map_err(write_error)?,
                None => fs::remove_file(&path).map_err(write_error)?,
            }
            return Err(error);
        }
        Ok(promotion)
    }

    fn add_to_history(&self, promotion: &Promotion) -> Result<(), ModelError> {
        let path = self.folder.join(HISTORY);
        let add = || {
            let mut line = serde_json::to_vec(promotion)?;
            line.push(b'\n');
            let mut file = File::options().append(true).create(true).open(&path)?;
            file.write_all(&line)?;
            file.sync_all()
        };
        add().map_err(|source| ModelError::Write { path: path.clone(), source })
    }

    /// Keeps other promotions out until it is dropped.
    fn lock(&self) -> Result<File, ModelError> {
        let path = self.folder.join(LOCK);
        if !self.folder.is_dir() {
            return Err(ModelError::NotFound(self.folder.clone()));
        }
        let lock = || {
            let file = File::options().write(true).create(true).truncate(false).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|source| ModelError::Write { path: path.clone(), source })
    }

    /// Writes `bundle` as the next version, whole or not at all, with the card that `card` writes
    /// for the model's name and version.
    ///
    /// # Errors
    ///
    /// A folder without a name, or one that cannot be written.
    pub fn save(
        &self,
        bundle: &ModelBundle,
        card: impl Fn(&ModelId) -> String,
    ) -> Result<StoredVersion, ModelError> {
        let name = self.name()?;
        let write_error = |path: &Path| {
            let path = path.to_owned();
            move |source| ModelError::Write { path, source }
        };
        fs::create_dir_all(&self.folder).map_err(write_error(&self.folder))?;
        loop {
            let version = self.versions()?.last().map_or(1, |last| last.version + 1);
            let id = ModelId { name: name.clone(), version };
            let draft = tempfile::Builder::new()
                .prefix(".draft-")
                .tempdir_in(&self.folder)
                .map_err(write_error(&self.folder))?;
            for (file, contents) in bundle.to_files(&id, &card(&id))? {
                let path = draft.path().join(file);
                write_synced(&path, &contents).map_err(write_error(&path))?;
            }
            allow_reading(draft.path()).map_err(write_error(draft.path()))?;
            sync_folder(draft.path()).map_err(write_error(draft.path()))?;
            let path = self.folder.join(version.to_string());
            match fs::rename(draft.path(), &path) {
                Ok(()) => {
                    // What it held has moved away; there is nothing left for it to remove.
                    let _ = draft.keep();
                    sync_folder(&self.folder).map_err(write_error(&self.folder))?;
                    return Ok(StoredVersion { version, path });
                }
                // Another trainer was faster: try the next version.
                Err(_) if path.exists() => {}
                Err(source) => return Err(ModelError::Write { path, source }),
            }
        }
    }

    /// The model's name: the last part of the folder.
    fn name(&self) -> Result<String, ModelError> {
        let name = self.folder.file_name().and_then(|name| name.to_str());
        match name {
            Some(name) if parse_version(name).is_none() => Ok(name.to_owned()),
            _ => Err(ModelError::Invalid {
                path: self.folder.clone(),
                reason: "expected a folder whose last part is the model's name, such as \
                         models/post-loan-risk"
                    .to_owned(),
            }),
        }
    }
}

/// The version that a rollback goes to: a promotion goes a step on, a rollback takes one back.
fn version_before(history: &[Promotion]) -> Option<u32> {
    let mut steps: Vec<u32> = Vec::new();
    for promotion in history {
        match promotion.kind {
            PromotionKind::Promote => {
                if promotion.from != Some(promotion.to) {
                    steps.extend(promotion.from);
                }
            }
            PromotionKind::Rollback => {
                steps.pop();
            }
        }
    }
    steps.pop()
}

/// Puts a file with `contents` in the place of `path`, whole or not at all.
fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut draft = tempfile::Builder::new().prefix(".draft-").tempfile_in(folder)?;
    draft.write_all(contents)?;
    draft.as_file().sync_all()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Whoever may read the store may read which version is in production.
        let mode = fs::metadata(folder)?.permissions().mode() & 0o666;
        draft.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    }
    draft.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// The version folder that `path` stands for: itself, or the version in use of the store there.
///
/// # Errors
///
/// There is no model, or its `production` file is wrong.
pub fn resolve_version(path: &Path) -> Result<PathBuf, ModelError> {
    if path.join(Manifest::FILE).is_file() {
        return Ok(path.to_owned());
    }
    if is_version_folder(path) {
        // A version without its manifest is broken rather than a store of versions.
        return read_manifest(path).map(|_| path.to_owned());
    }
    match ModelStore::new(path).current()? {
        Some(stored) => Ok(stored.path),
        None => Err(ModelError::NotFound(path.to_owned())),
    }
}

fn is_version_folder(path: &Path) -> bool {
    path.is_dir()
        && path.file_name().and_then(|name| name.to_str()).and_then(parse_version).is_some()
}

/// A version is a whole number from 1, written without sign or leading zero.
fn parse_version(name: &str) -> Option<u32> {
    let canonical = !name.starts_with(['0', '+']);
    name.parse().ok().filter(|_| canonical)
}

fn write_synced(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

/// A temporary folder is for its owner only; a model is for whoever may read the store.
#[cfg(unix)]
fn allow_reading(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let parent = folder.parent().unwrap_or(folder);
    fs::set_permissions(
        folder,
        fs::Permissions::from_mode(fs::metadata(parent)?.permissions().mode()),
    )
}

#[cfg(not(unix))]
fn allow_reading(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes renames and new files in `folder` last through a power cut.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promotion(kind: PromotionKind, from: Option<u32>, to: u32) -> Promotion {
        Promotion { at: Timestamp::UNIX_EPOCH, by: "somebody".to_owned(), kind, from, to }
    }

    #[test]
    fn each_rollback_goes_one_promotion_further_back() {
        use PromotionKind::{Promote, Rollback};
        let mut history = vec![
            promotion(Promote, None, 1),
            promotion(Promote, Some(1), 2),
            promotion(Promote, Some(2), 2),
            promotion(Promote, Some(2), 3),
        ];
        assert_eq!(version_before(&history), Some(2));
        history.push(promotion(Rollback, Some(3), 2));
        assert_eq!(version_before(&history), Some(1));
        history.push(promotion(Rollback, Some(2), 1));
        assert_eq!(version_before(&history), None);
        history.push(promotion(Promote, Some(1), 3));
        assert_eq!(version_before(&history), Some(1));
    }
}
