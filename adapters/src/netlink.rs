//! A socket to the kernel's netfilter.
//!
//! One for the life of the process: closing it waits some ten milliseconds for the kernel's readers. The kernel
//! carries out what is sent before the call returns, so all answers are there right after it.

use rustix::{
    fd::OwnedFd,
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, connect,
        netlink::{NETFILTER, SocketAddrNetlink},
        recv, send, socket_with,
        sockopt::{
            set_socket_recv_buffer_size_force, set_socket_send_buffer_size,
            set_socket_send_buffer_size_force,
        },
    },
    thread::{LinkNameSpaceType, move_into_link_name_space},
};
use std::{fs::File, io, os::fd::AsFd, path::Path, thread};
use svckit::render::nft::netlink::{Answer, Answers};

/// The largest transaction that can be sent, where the system allows it.
const LARGEST: usize = 256 << 20;

/// The most that is received at once; the kernel fills no more.
const RECEIVE: usize = 64 << 10;

/// A socket to the netfilter of one network namespace.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Socket {
    /// Opens one for the network namespace of this thread.
    ///
    /// # Errors
    ///
    /// The system allows no such socket.
    pub fn open() -> io::Result<Self> {
        let kind = (AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC);
        let fd = socket_with(kind.0, kind.1, kind.2, Some(NETFILTER))?;
        bind(&fd, &SocketAddrNetlink::new(0, 0))?;
        connect(&fd, &SocketAddrNetlink::new(0, 0))?;
        // Without the right to more, transactions are as large as the system's limit allows.
        if set_socket_send_buffer_size_force(&fd, LARGEST).is_err() {
            set_socket_send_buffer_size(&fd, LARGEST)?;
        }
        // Answers that find no room are lost, and then asked for again.
        let _ = set_socket_recv_buffer_size_force(&fd, LARGEST);
        Ok(Self { fd, buffer: vec![0; RECEIVE], sequence: 0 })
    }

    /// Opens one for the network namespace at `path`, such as `/run/netns/lab`.
    ///
    /// # Errors
    ///
    /// There is no such namespace, or the process may not enter it.
    pub fn open_in(path: &Path) -> io::Result<Self> {
        let namespace = File::open(path)?;
        // A thread of its own enters it, and ends; the socket stays where it was opened.
        let opened = thread::scope(|scope| {
            let open = || {
                let network = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(namespace.as_fd(), network)?;
                Self::open()
            };
            scope.spawn(open).join()
        });
        opened.unwrap_or_else(|_| Err(io::Error::other("a thread has ended early")))
    }

    /// A number for the next question.
    pub fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    /// Sends messages, and hands out the answers, up to the last one.
    ///
    /// # Errors
    ///
    /// The messages could not be sent: too large, or no permission. What the kernel says about them is an answer.
    pub fn ask(&mut self, bytes: &[u8], mut answer: impl FnMut(Answer<'_>)) -> io::Result<()> {
        send(&self.fd, bytes, SendFlags::empty())?;
        loop {
            match recv(&self.fd, self.buffer.as_mut_slice(), RecvFlags::DONTWAIT) {
                Ok((length, _)) => {
                    let received = self.buffer.get(..length).unwrap_or_default();
                    Answers::new(received).for_each(&mut answer);
                }
                Err(Errno::AGAIN) => return Ok(()),
                // Some answers were lost; the others follow.
                Err(Errno::INTR | Errno::NOBUFS) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
