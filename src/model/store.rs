//! Versions of models on disk: `models/<name>/<version>/`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::bundle::{ModelBundle, ModelError, read_manifest};
use super::manifest::{Manifest, ModelId};

/// The file beside the versions that names the one in use.
const PRODUCTION: &str = "production";

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
