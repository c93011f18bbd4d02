//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::compression::{CompressedWriter, Compression};

/// A file that is written beside its place and appears there by [`commit`](Self::commit), or
/// standard output (`-`), a pipe or a device, which are written as they are. A name that ends in
/// `.gz` or `.zst` is compressed.
///
/// Dropped without a commit, a file leaves no trace.
#[derive(Debug)]
pub struct OutputFile {
    target: CompressedWriter<Target>,
}

#[derive(Debug)]
enum Target {
    Beside { draft: BufWriter<NamedTempFile>, path: PathBuf },
    Direct(BufWriter<File>),
    Standard(BufWriter<io::Stdout>),
}

impl OutputFile {
    /// Prepares to write `path`.
    ///
    /// # Errors
    ///
    /// Its folder does not exist or cannot be written, or it is a folder itself.
    pub fn create(path: &Path) -> io::Result<Self> {
        let (compression, _) = Compression::of_path(path);
        Ok(Self { target: compression.writer(Target::create(path)?)? })
    }

    /// Writes out what is buffered and puts the file in its place.
    ///
    /// # Errors
    ///
    /// Anything that kept it from being whole on disk; then its place is as it was.
    pub fn commit(self) -> io::Result<()> {
        self.target.finish()?.commit()
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.target.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}

impl Target {
    fn create(path: &Path) -> io::Result<Self> {
        const BUFFER: usize = 1 << 16;
        if path == Path::new("-") {
            return Ok(Self::Standard(BufWriter::with_capacity(BUFFER, io::stdout())));
        }
        match fs::metadata(path) {
            Ok(existing) if existing.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            // A rename would put a plain file in the place of a pipe or a device.
            Ok(existing) if !existing.is_file() => {
                let file = File::options().write(true).open(path)?;
                return Ok(Self::Direct(BufWriter::with_capacity(BUFFER, file)));
            }
            _ => {}
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut draft = tempfile::Builder::new();
        draft.prefix(".postloan-").suffix(".partial");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file: all the rights that the umask leaves.
            draft.permissions(fs::Permissions::from_mode(0o666));
        }
        let draft = BufWriter::with_capacity(BUFFER, draft.tempfile_in(folder)?);
        Ok(Self::Beside { draft, path: path.to_owned() })
    }

    fn commit(self) -> io::Result<()> {
        match self {
            Self::Standard(mut output) => output.flush(),
            Self::Direct(mut output) => output.flush(),
            Self::Beside { draft, path } => {
                let draft = draft.into_inner().map_err(io::IntoInnerError::into_error)?;
                draft.as_file().sync_all()?;
                draft.persist(&path).map_err(|error| error.error)?;
                #[cfg(unix)]
                if let Some(folder) = path.parent() {
                    let folder =
                        if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
                    File::open(folder)?.sync_all()?;
                }
                Ok(())
            }
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Beside { draft, .. } => draft.write(bytes),
            Self::Direct(output) => output.write(bytes),
            Self::Standard(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Beside { draft, .. } => draft.flush(),
            Self::Direct(output) => output.flush(),
            Self::Standard(output) => output.flush(),
        }
    }
}
