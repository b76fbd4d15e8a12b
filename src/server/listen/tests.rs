use super::*;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::Unix { folder: folder.path().to_owned(), port: 6432 };
        let path = folder.path().join(".s.PGSQL.6432");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let listener = Listener::bind(&address).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o777);
        assert_eq!(Listener::bind(&address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        assert!(!path.exists());
        fs::write(&path, "a file").unwrap();
        assert_eq!(Listener::bind(&address).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    });
}

#[test]
fn both_families_can_be_bound_to_one_port() {
    runtime().block_on(async {
        let four = Listener::bind(&Address::Tcp("0.0.0.0:0".parse().unwrap())).unwrap();
        let port = four.address().unwrap().rsplit_once(':').unwrap().1.to_owned();
        let six = Listener::bind(&Address::Tcp(format!("[::]:{port}").parse().unwrap()));
        // A machine without IPv6 has another error than a taken port.
        assert_ne!(six.map_err(|e| e.kind()).err(), Some(io::ErrorKind::AddrInUse));
    });
}
