//! A tap between clients and the proxy: every byte that a governed login receives is searched for canaries. Logins that may see
//! everything are passed by. Not here: what the canaries are.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::canary::{Canaries, Found, Watch};

/// What a tap found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The login that got it.
    pub user: String,
    /// What it got.
    pub found: Found,
}

/// A listening tap; it ends with the process.
#[derive(Debug)]
pub struct Tap {
    port: u16,
    leaks: Arc<Mutex<Vec<Leak>>>,
}

/// `SSLRequest` and `GSSENCRequest`, which a start-up message follows.
const BEFORE_STARTUP: [u32; 2] = [80_877_103, 80_877_104];

impl Tap {
    /// Listens before what listens on `target`. `open` are logins that are not searched.
    ///
    /// # Errors
    /// No port can be had.
    pub fn start(target: u16, canaries: Arc<Canaries>, open: &[&str]) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let leaks = Arc::<Mutex<Vec<Leak>>>::default();
        let (open, all): (Vec<String>, _) = (open.iter().map(|s| (*s).to_owned()).collect(), Arc::clone(&leaks));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else { continue };
                let connection =
                    Connection { canaries: Arc::clone(&canaries), open: open.clone(), leaks: Arc::clone(&all), user: Arc::default() };
                connection.run(client, server);
            }
        });
        Ok(Self { port, leaks })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What was found since the last time. What a client has read was searched before it was passed on.
    #[must_use]
    pub fn leaks(&self) -> Vec<Leak> {
        std::mem::take(&mut *lock(&self.leaks))
    }
}

struct Connection {
    canaries: Arc<Canaries>,
    open: Vec<String>,
    leaks: Arc<Mutex<Vec<Leak>>>,
    user: Arc<Mutex<String>>,
}

impl Connection {
    fn run(self, client: TcpStream, server: TcpStream) {
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { return };
        let user = Arc::clone(&self.user);
        thread::spawn(move || {
            let _ = ask(client, server, &user);
        });
        thread::spawn(move || {
            let _ = self.answer(server_too, client_too);
        });
    }

    /// The server's side: searched, then passed on.
    fn answer(&self, mut server: TcpStream, mut client: TcpStream) -> io::Result<()> {
        let (mut watch, mut buffer) = (Watch::new(Arc::clone(&self.canaries)), vec![0; 1 << 16]);
        loop {
            let n = server.read(&mut buffer)?;
            let bytes = buffer.get(..n).unwrap_or_default();
            let user = lock(&self.user).clone();
            if n == 0 {
                return client.shutdown(Shutdown::Both);
            }
            // before a start-up message nothing but single letters is said
            if !user.is_empty() && !self.open.contains(&user) {
                watch.feed(bytes);
                lock(&self.leaks).extend(watch.take().into_iter().map(|found| Leak { user: user.clone(), found }));
            }
            client.write_all(bytes)?;
        }
    }
}

/// The client's side: its login is read, all is passed on.
fn ask(mut client: TcpStream, mut server: TcpStream, user: &Mutex<String>) -> io::Result<()> {
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        let mut message = vec![0; (u32::from_be_bytes(length) as usize).saturating_sub(4).min(1 << 16)];
        client.read_exact(&mut message)?;
        let code = message.get(..4).and_then(|c| c.try_into().ok()).map(u32::from_be_bytes);
        if code.is_none_or(|c| !BEFORE_STARTUP.contains(&c)) {
            *lock(user) = login(&message);
        }
        let start = lock(user).is_empty();
        server.write_all(&[&length[..], &message].concat())?;
        if !start {
            break;
        }
    }
    io::copy(&mut client, &mut server)?;
    server.shutdown(Shutdown::Write)
}

/// `user` of a start-up message; a cancel request is nobody's.
fn login(message: &[u8]) -> String {
    let words: Vec<&[u8]> = message.get(4..).unwrap_or_default().split(|b| *b == 0).collect();
    let user = words.chunks(2).find_map(|pair| match pair {
        [name, value] if *name == b"user" => Some(String::from_utf8_lossy(value).into_owned()),
        _ => None,
    });
    user.unwrap_or_else(|| "nobody".to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
