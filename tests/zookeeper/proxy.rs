//! A proxy before the real server, which cuts a connection where the test says so.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

/// The number of the call `create`, and its flags for an ephemeral sequential node, at the end of the call.
const CREATE: [u8; 4] = 1_u32.to_be_bytes();
const IN_ORDER: [u8; 4] = 3_u32.to_be_bytes();

/// A proxy. Its threads end with their connections, the one that listens with the process.
pub struct Proxy {
    port: u16,
    cut: Arc<AtomicBool>,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    pub fn start(server: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            cut: Arc::new(AtomicBool::new(false)),
            cuts: Arc::new(AtomicUsize::new(0)),
        };
        let (server, cut, cuts) = (server.to_owned(), Arc::clone(&proxy.cut), Arc::clone(&proxy.cuts));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
                serve(&client, &server, &cut, &cuts);
            }
        });
        proxy
    }

    pub fn hosts(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The next create of an ephemeral sequential node reaches the server, its answer does not reach the client.
    pub fn cut_the_next_answer_to_a_create_in_order(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

fn serve(client: &TcpStream, server: &TcpStream, cut: &Arc<AtomicBool>, cuts: &Arc<AtomicUsize>) {
    let cut_now = Arc::new(AtomicBool::new(false));
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (cut, told) = (Arc::clone(cut), Arc::clone(&cut_now));
    std::thread::spawn(move || {
        while let Some(frame) = frame(&mut from) {
            if frame.get(8..12) == Some(&CREATE) && frame.ends_with(&IN_ORDER) && cut.swap(false, Ordering::SeqCst) {
                told.store(true, Ordering::SeqCst);
            }
            if to.write_all(&frame).is_err() {
                break;
            }
        }
        let _closed = to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let cuts = Arc::clone(cuts);
    std::thread::spawn(move || {
        while let Some(frame) = frame(&mut from) {
            if cut_now.load(Ordering::SeqCst) {
                cuts.fetch_add(1, Ordering::SeqCst);
                break;
            }
            if to.write_all(&frame).is_err() {
                break;
            }
        }
        let _closed = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
    });
}

/// The next frame with its length; `None` at the end of the connection.
fn frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut frame = vec![0; 4];
    stream.read_exact(&mut frame).ok()?;
    let length = u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize;
    frame.resize(4 + length, 0);
    stream.read_exact(&mut frame[4..]).ok()?;
    Some(frame)
}
