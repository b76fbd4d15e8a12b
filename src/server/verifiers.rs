//! Where the proxy finds SCRAM verifiers: a file, or a session on the catalog login that all threads ask. Nothing is kept between log-ins:
//! a password that was changed holds from the next one on. What is done with a verifier is decided in `startup`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwap;
use tokio::runtime::Handle as Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::files;
use crate::auth::{Candidate, Userlist, Verifier};
use crate::base::Secret;
use crate::upstream::catalog_loader::Login;
use crate::upstream::{DialError, Stream, Target, VerifierError, VerifierReader, dial};

/// Log-ins that may wait for their verifier.
const WAITING: usize = 1024;
/// How long one look-up may take before its session is given up.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);
/// PostgreSQL's default, until the server has said its own.
const ITERATIONS: u32 = 4096;

/// Why there is no verifier to hold a client against.
#[derive(Debug, thiserror::Error)]
pub enum NoVerifier {
    /// The server cannot be reached.
    #[error("{0}")]
    Dial(#[from] DialError),
    /// It does not say.
    #[error("{0}")]
    Read(#[from] VerifierError),
    /// It takes too long.
    #[error("the server did not give a verifier in time")]
    Timeout,
    /// Too many wait.
    #[error("too many log-ins wait for a verifier")]
    Busy,
    /// The file is wrong.
    #[error("'auth.verifiers': {0}")]
    File(String),
}

impl NoVerifier {
    /// Whether another try may succeed without anybody changing anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Dial(_) | Self::Timeout | Self::Busy => true,
            Self::Read(error) => error.may_pass(),
            Self::File(_) => false,
        }
    }
}

/// Who reads verifiers on the server, and how.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The server.
    pub target: Arc<Target>,
    /// The catalog login.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// The database that it asks in: roles are the same in all, a function is not.
    pub database: String,
    /// `auth.auth_query`.
    pub query: Option<String>,
}

struct Ask {
    login: String,
    answer: oneshot::Sender<Result<Option<Verifier>, NoVerifier>>,
}

#[derive(Debug)]
enum Place {
    File(PathBuf, ArcSwap<Userlist>),
    Query(mpsc::Sender<Ask>),
}

/// The verifiers.
#[derive(Debug)]
pub struct Verifiers {
    place: Place,
    /// From which the salts of logins that do not exist are made.
    mock: Secret32,
    iterations: Arc<AtomicU32>,
}

/// A secret that is not shown.
struct Secret32([u8; 32]);

impl std::fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret32")
    }
}

impl Verifiers {
    /// Those of a file.
    ///
    /// # Errors
    /// It cannot be read, or is wrong.
    pub fn file(path: PathBuf, mock: [u8; 32]) -> Result<Self, NoVerifier> {
        let list = read_file(&path)?;
        let place = Place::File(path, ArcSwap::from_pointee(list));
        Ok(Self { place, mock: Secret32(mock), iterations: Arc::new(AtomicU32::new(ITERATIONS)) })
    }

    /// Those of the server. The first session is opened now; where that fails, the error is given beside the verifiers, which try again
    /// at each log-in.
    pub async fn server(asker: Asker, runtime: &Runtime, mock: [u8; 32]) -> (Self, Option<NoVerifier>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let iterations = Arc::new(AtomicU32::new(ITERATIONS));
        let mut keeper = Keeper { asker, reader: None, iterations: Arc::clone(&iterations) };
        let error = keeper.open().await.err();
        runtime.spawn(keeper.keep(receiver));
        (Self { place: Place::Query(sender), mock: Secret32(mock), iterations }, error)
    }

    /// What a client that says it is this login is held against.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn candidate(&self, login: &str) -> Result<Candidate, NoVerifier> {
        let found = match &self.place {
            Place::File(_, list) => list.load().get(login).cloned(),
            Place::Query(sender) => {
                let (answer, answered) = oneshot::channel();
                sender.try_send(Ask { login: login.to_owned(), answer }).map_err(|_| NoVerifier::Busy)?;
                answered.await.map_err(|_| NoVerifier::Busy)??
            }
        };
        // Made in either case, so that it takes the same time.
        let mock = Verifier::mock(&self.mock.0, login, self.iterations.load(Ordering::Relaxed));
        Ok(found.map_or(Candidate::Mock(mock), Candidate::Known))
    }

    /// Reads the file again; what is wrong changes nothing.
    ///
    /// # Errors
    /// What is wrong.
    pub fn reload(&self) -> Result<(), NoVerifier> {
        if let Place::File(path, list) = &self.place {
            list.store(Arc::new(read_file(path)?));
        }
        Ok(())
    }
}

fn read_file(path: &std::path::Path) -> Result<Userlist, NoVerifier> {
    let text = files::read(path).map_err(|e| NoVerifier::File(e.to_string()))?;
    let text = std::str::from_utf8(&text).map_err(|_| NoVerifier::File("it is not UTF-8".to_owned()))?;
    Userlist::parse(text).map_err(|e| NoVerifier::File(e.to_string()))
}

/// The session's owner.
struct Keeper {
    asker: Asker,
    reader: Option<VerifierReader<Stream>>,
    iterations: Arc<AtomicU32>,
}

impl Keeper {
    async fn keep(mut self, mut asked: mpsc::Receiver<Ask>) {
        while let Some(Ask { login, answer }) = asked.recv().await {
            // Its client has gone away while it waited.
            if !answer.is_closed() {
                let _ = answer.send(self.find(&login).await);
            }
        }
    }

    /// Asks once more over a fresh session where the old one was lost: the server may have been started anew.
    async fn find(&mut self, login: &str) -> Result<Option<Verifier>, NoVerifier> {
        let kept = self.reader.is_some();
        match self.ask(login).await {
            Err(error) if kept && error.may_pass() => self.ask(login).await,
            other => other,
        }
    }

    async fn ask(&mut self, login: &str) -> Result<Option<Verifier>, NoVerifier> {
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => connect(&self.asker, &self.iterations).await?,
        };
        let text = timeout(PATIENCE, reader.read(login)).await.map_err(|_| NoVerifier::Timeout)??;
        self.reader = Some(reader);
        Ok(text.and_then(|text| Verifier::parse(std::str::from_utf8(text.expose()).ok()?)))
    }

    async fn open(&mut self) -> Result<(), NoVerifier> {
        self.reader = Some(connect(&self.asker, &self.iterations).await?);
        Ok(())
    }
}

async fn connect(asker: &Asker, iterations: &AtomicU32) -> Result<VerifierReader<Stream>, NoVerifier> {
    let Asker { target, user, password, database, query } = asker;
    let stream = dial(target).await?;
    let login = Login { user, password: password.as_ref(), database };
    let connect = VerifierReader::connect(stream, login, query.as_deref());
    let reader = timeout(PATIENCE, connect).await.map_err(|_| NoVerifier::Timeout)??;
    iterations.store(reader.iterations(), Ordering::Relaxed);
    Ok(reader)
}
