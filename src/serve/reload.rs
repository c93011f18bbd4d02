//! What changes under a running server: the model, the tokens, the certificates.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::model_in_use::ModelInUse;
use super::shared::Shared;
use super::tls::Tls;
use super::tokens::Tokens;
use crate::model::{ModelStore, load_and_try, resolve_version};

/// How often files are looked at.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// Looks at files and takes over what has changed.
#[derive(Debug)]
pub(super) struct Reloader {
    shared: Arc<Shared>,
    tls: Option<Arc<Tls>>,
    /// The folder of the version that answers.
    version: PathBuf,
    production: Stamp,
    tokens: Stamp,
    certificates: [Stamp; 3],
}

/// When a file last changed, as far as that can be told; another stamp is another file.
type Stamp = Option<(SystemTime, u64)>;

fn stamp(path: Option<&PathBuf>) -> Stamp {
    let metadata = fs::metadata(path?).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

impl Reloader {
    pub(super) fn new(shared: Arc<Shared>, tls: Option<Arc<Tls>>, version: PathBuf) -> Self {
        let settings = &shared.settings;
        let production = stamp(Some(&ModelStore::new(&settings.model).production_file()));
        let tokens = stamp(settings.token_file.as_ref());
        let certificates = certificate_stamps(&shared);
        Self { shared, tls, version, production, tokens, certificates }
    }

    /// Takes over what has changed since the last time.
    pub(super) async fn look(&mut self) {
        let settings = &self.shared.settings;
        let store = ModelStore::new(&settings.model);
        let production = stamp(Some(&store.production_file()));
        if production.is_some() && production != self.production {
            self.production = production;
            match store.production() {
                Ok(Some(stored)) if stored.path != self.version => self.swap(stored.path).await,
                Ok(_) => {}
                Err(error) => self.keep_old(&error),
            }
        }
        let tokens = stamp(self.shared.settings.token_file.as_ref());
        if tokens != self.tokens {
            self.tokens = tokens;
            self.read_tokens();
        }
        let certificates = certificate_stamps(&self.shared);
        if certificates != self.certificates {
            self.certificates = certificates;
            self.read_certificates();
        }
    }

    /// Takes over everything anew, changed or not.
    pub(super) async fn look_at_all(&mut self) {
        self.production =
            stamp(Some(&ModelStore::new(&self.shared.settings.model).production_file()));
        match resolve_version(&self.shared.settings.model) {
            Ok(folder) => self.swap(folder).await,
            Err(error) => self.keep_old(&error),
        }
        self.read_tokens();
        self.read_certificates();
    }

    async fn swap(&mut self, folder: PathBuf) {
        let path = folder.clone();
        // Reading and checking takes a while: calls go on meanwhile.
        match tokio::task::spawn_blocking(move || load_and_try(&path)).await {
            Ok(Ok(classifier)) => {
                let metrics = &self.shared.metrics;
                let new = Arc::new(ModelInUse::new(classifier, metrics));
                let old = self.shared.model.swap(Arc::clone(&new));
                metrics.model_in_use(new.classifier(), Some(old.classifier()));
                metrics.model_loaded(true);
                tracing::info!(
                    model = %new.classifier().id(), before = %old.classifier().id(),
                    "a model version has taken over"
                );
                self.version = folder;
            }
            Ok(Err(error)) => self.keep_old(&error),
            Err(panicked) => self.keep_old(&panicked),
        }
    }

    fn keep_old(&self, error: &(dyn std::error::Error + 'static)) {
        self.shared.metrics.model_loaded(false);
        let model = self.shared.model.load();
        tracing::error!(
            error, still = %model.classifier().id(),
            "the promoted model version cannot be used; the old one goes on answering"
        );
    }

    fn read_tokens(&self) {
        let Some(path) = &self.shared.settings.token_file else {
            return;
        };
        match Tokens::read(path) {
            Ok(tokens) => {
                tracing::info!(count = tokens.count(), "the tokens were read again");
                self.shared.tokens.store(Some(Arc::new(tokens)));
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the tokens cannot be read; the old ones stay in force");
            }
        }
    }

    fn read_certificates(&self) {
        let Some(tls) = &self.tls else {
            return;
        };
        match tls.reload(&self.shared.settings) {
            Ok(()) => tracing::info!("the certificates were read again"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the certificates cannot be used; the old ones stay");
            }
        }
    }
}

fn certificate_stamps(shared: &Shared) -> [Stamp; 3] {
    let settings = &shared.settings;
    [&settings.tls_cert, &settings.tls_key, &settings.client_ca].map(|path| stamp(path.as_ref()))
}
