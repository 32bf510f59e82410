//! Which hosts are this machine, as far as it knows that without asking a name server: its addresses, the names in `/etc/hosts`
//! and its own. Names that only a name server has, such as those of Kubernetes's services, are not known.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// The most that is read of `/etc/hosts`.
const MOST: u64 = 1 << 20;

/// Port of the service `discard`; nothing is sent there.
const ANY_PORT: u16 = 9;

/// What a machine knows of itself.
pub(in super::super) struct Machine {
    /// The addresses of names, in small letters.
    names: HashMap<String, Vec<IpAddr>>,
    /// Its own name.
    own: String,
    /// Whether an address is one of its network interfaces'.
    owns: fn(IpAddr) -> bool,
}

impl Machine {
    /// This one.
    pub(in super::super) fn this() -> Self {
        let (hosts, own) = (read("/etc/hosts"), read("/proc/sys/kernel/hostname"));
        Self::new(&hosts, &own, has_interface)
    }

    pub(super) fn new(hosts: &str, own: &str, owns: fn(IpAddr) -> bool) -> Self {
        let mut names: HashMap<_, Vec<_>> = HashMap::new();
        for line in hosts.lines() {
            let (line, _comment) = line.split_once('#').unwrap_or((line, ""));
            let mut words = line.split_whitespace();
            let Some(Ok(address)) = words.next().map(str::parse) else {
                continue;
            };
            for name in words {
                names.entry(spelled(name)).or_default().push(address);
            }
        }
        Self {
            names,
            own: spelled(own.trim()),
            owns,
        }
    }

    /// Whether who connects to a host gets to a socket of this machine that listens on `own`.
    pub(super) fn leads(&self, host: &str, own: IpAddr) -> bool {
        if let Ok(ip) = host.parse() {
            return self.reaches(ip, own);
        }
        let host = spelled(host);
        if host == "localhost" && (own.is_loopback() || own.is_unspecified()) {
            return true;
        }
        if host == self.own && own.is_unspecified() {
            return true;
        }
        let addresses = self.names.get(&host).into_iter().flatten();
        addresses.into_iter().any(|ip| self.reaches(*ip, own))
    }

    fn reaches(&self, ip: IpAddr, own: IpAddr) -> bool {
        match ip {
            // Who connects to the unspecified address gets to this machine.
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => self.reaches(Ipv4Addr::LOCALHOST.into(), own),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => own.is_loopback() || own.is_unspecified(),
            _ if ip == own => true,
            // The unspecified address of IPv6 takes IPv4 as well.
            _ if own.is_unspecified() && (own.is_ipv6() || ip.is_ipv4()) => {
                ip.is_loopback() || (self.owns)(ip)
            }
            _ => false,
        }
    }
}

fn spelled(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The text of a small file; nothing if it cannot be read.
fn read(path: &str) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes));
    read.map(|_len| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// Whether the system would send from an address what is for it, which it does for its own alone.
fn has_interface(ip: IpAddr) -> bool {
    let any: IpAddr = match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let from = UdpSocket::bind((any, 0)).and_then(|socket| {
        // Connecting UDP sends nothing: it chooses the way.
        socket.connect((ip, ANY_PORT))?;
        socket.local_addr()
    });
    from.is_ok_and(|from| from.ip() == ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_the_loopback_address_and_not_one_that_is_reserved_for_texts() {
        assert!(has_interface(Ipv4Addr::LOCALHOST.into()));
        assert!(!has_interface(Ipv4Addr::new(192, 0, 2, 1).into()));
    }
}
