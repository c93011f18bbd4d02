//! Options of the commands that call a server.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use super::failure::Failure;
use crate::serve::Span;

/// Where a server is, and how to come in.
#[derive(Debug, Args)]
pub(super) struct ServerOptions {
    /// The server's host and port
    #[arg(
        long,
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:50051",
        global = true,
        env = "POSTLOAN_SERVER"
    )]
    server: String,
    /// Speak TLS, and trust certificates of this authority (PEM)
    #[arg(long, value_name = "FILE", global = true, env = "POSTLOAN_CA")]
    ca: Option<PathBuf>,
    /// The name the server's certificate must bear [default: the host]
    #[arg(long, value_name = "NAME", global = true, requires = "ca")]
    server_name: Option<String>,
    /// This client's certificate and its chain (PEM), for mutual TLS
    #[arg(long, value_name = "FILE", global = true, requires_all = ["ca", "key"])]
    cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", global = true, requires = "cert")]
    key: Option<PathBuf>,
    /// A file that holds this client's token. The environment variable is the token itself
    #[arg(long, value_name = "FILE", global = true)]
    token: Option<PathBuf>,
    /// How long to wait for an answer
    #[arg(long, value_name = "TIME", default_value = "10s", global = true)]
    pub(super) timeout: Span,
    /// Print as JSON on standard output
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// Where a token may stand instead of a file, so that it is in no list of processes.
const TOKEN_VARIABLE: &str = "POSTLOAN_TOKEN";

impl ServerOptions {
    /// A connection to the server.
    pub(super) async fn connect(&self) -> Result<Channel, Failure> {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        let wrong = |_| Failure::usage(format!("--server {}: expected HOST:PORT", self.server));
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{}", self.server))
            .map_err(wrong)?
            .connect_timeout(self.timeout.0)
            .timeout(self.timeout.0);
        if let Some(tls) = self.tls()? {
            endpoint = endpoint.tls_config(tls).map_err(Failure::service)?;
        }
        endpoint.connect().await.map_err(|error| {
            Failure::service(error).context(format!("cannot reach {}", self.server))
        })
    }

    fn tls(&self) -> Result<Option<ClientTlsConfig>, Failure> {
        let Some(ca) = &self.ca else {
            return Ok(None);
        };
        let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(ca)?));
        if let Some(name) = &self.server_name {
            tls = tls.domain_name(name);
        }
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            tls = tls.identity(Identity::from_pem(read(cert)?, read(key)?));
        }
        Ok(Some(tls))
    }

    /// What a call has to bear, if anything.
    pub(super) fn token(&self) -> Result<Option<MetadataValue<Ascii>>, Failure> {
        let token = match &self.token {
            Some(path) => String::from_utf8_lossy(&read(path)?).into_owned(),
            None => match std::env::var(TOKEN_VARIABLE) {
                Ok(token) => token,
                Err(_) => return Ok(None),
            },
        };
        let bearer = format!("Bearer {}", token.trim()).parse();
        bearer.map(Some).map_err(|_| Failure::input("the token has characters that no token has"))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path)
        .map_err(|error| Failure::input(error).context(format!("cannot read `{}`", path.display())))
}
