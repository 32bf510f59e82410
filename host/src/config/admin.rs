//! Reads `admin`.

use crate::admin::Config;

use super::reader::Reader;
use super::receivers::Listening;
use super::report::{Mistake, quoted};
use super::units;

/// Reads where the admin endpoint listens; `receivers` are the sockets that it must not meet.
pub(super) fn read(mut reader: Reader<'_>, receivers: &[Listening]) -> Config {
    let mut admin = Config::default();
    let want = "an address to listen on, such as `127.0.0.1:8888`";
    let cure = "write `127.0.0.1:8888`, or `0.0.0.0:8888` for every address";
    let written = reader.text("endpoint", want, cure, |text| {
        units::address(text).ok_or_else(|| {
            let what = format!("{} is not an address to listen on", quoted(text));
            let cure = "write an IP address and a port: `127.0.0.1:8888`, or `0.0.0.0:8888` for every address";
            (what, cure.to_owned())
        })
    });
    admin.endpoint = written.unwrap_or(admin.endpoint);
    if written.is_some() || !reader.has("endpoint") {
        check(&reader, &admin, receivers);
    }
    reader.finish();
    admin
}

fn check(reader: &Reader<'_>, admin: &Config, receivers: &[Listening]) {
    let place = reader.place_of("endpoint");
    if let Some(receiver) = receivers.iter().find(|one| one.meets(admin.endpoint)) {
        let what = format!("admin and a receiver on the address {}", admin.endpoint);
        let mistake = Mistake::error(place, what, "give one of them another port");
        reader.report(mistake.and(receiver.place, "the receiver is here"));
    }
    if !admin.endpoint.ip().is_loopback() {
        let what = format!("{} is reached from other machines", admin.endpoint);
        let cure = "whoever reaches it reads the names in this config and how much goes through: keep it within a network that you trust";
        reader.report(Mistake::warning(place, what, cure));
    }
}
