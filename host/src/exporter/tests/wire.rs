//! What goes over the wire.

use otlet_tests::backend::{Answer, Code, Protocol};

use super::*;
use crate::compression;

/// A request that came compressed.
fn came(coding: Coding, body: &[u8]) -> Payload {
    let packed = compression::admit(coding, framed(true, body), 1 << 20).unwrap();
    Payload::packed(Signal::Logs, packed)
}

#[test]
fn a_request_arrives_as_the_very_bytes_it_was() {
    for (config, protocol, path) in [
        (
            PROTOCOLS[0],
            Protocol::Grpc,
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        ),
        (PROTOCOLS[1], Protocol::Http, "/v1/logs"),
    ] {
        let (world, backend) = (World::new(), Backend::start());
        let exporter = world.start(&config(&backend));
        queue(&exporter, 7, 300);
        let received = &backend.wait_for(1)[0];
        assert_eq!(received.protocol, protocol);
        assert_eq!(received.path, path);
        assert_eq!(received.coding, None);
        assert_eq!(received.body, request(7, 300).encode_to_vec());
        assert_eq!(received.request, Request::Logs(request(7, 300)));
        let agent = received.headers.get("user-agent").unwrap();
        assert_eq!(agent, concat!("otlet/", env!("CARGO_PKG_VERSION")));
        world.wait(exporter.drain());
        assert_eq!(exporter.counters().sent_requests.get(), 1);
        assert_eq!(exporter.counters().sent_items.get(), 300);
        assert_eq!(exporter.queue().depth(), Depth::default());
    }
}

#[test]
fn each_signal_goes_to_its_own_place() {
    for (config, paths) in [
        (
            PROTOCOLS[0],
            [
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
                "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            ],
        ),
        (PROTOCOLS[1], ["/in/v1/traces", "/m/metrics", "/in/v1/logs"]),
    ] {
        let (world, backend) = (World::new(), Backend::start());
        let mut config = config(&backend);
        if let Kind::OtlpHttp(to) = &mut config.kind {
            to.target.endpoint = format!("{}/in/", backend.endpoint()).parse().unwrap();
            to.metrics_endpoint =
                Some(format!("{}/m/metrics", backend.endpoint()).parse().unwrap());
        }
        let exporter = world.start(&config);
        for (signal, path) in Signal::ALL.into_iter().zip(paths) {
            let before = backend.received().len();
            let empty = Payload::plain(signal, framed(false, &[]));
            let _taken = exporter
                .reserve(Size::default())
                .unwrap()
                .commit(empty, Size::default());
            assert_eq!(backend.wait_for(before + 1)[before].path, path);
        }
    }
}

#[test]
fn the_users_headers_are_sent_and_the_protocols_own_cannot_be_changed() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        let mut config = config(&backend);
        let headers = match &mut config.kind {
            Kind::Otlp(target) => &mut target.headers,
            Kind::OtlpHttp(to) => &mut to.target.headers,
            Kind::Debug(_) | Kind::File(_) => unreachable!(),
        };
        for (name, value) in [
            ("x-tenant", "shop"),
            ("x-tenant", "bakery"),
            ("content-type", "text/html"),
            ("user-agent", "mine"),
        ] {
            headers.push((name.parse().unwrap(), value.parse().unwrap()));
        }
        let exporter = world.start(&config);
        queue(&exporter, 1, 1);
        let headers = &backend.wait_for(1)[0].headers;
        let tenants: Vec<_> = headers.get_all("x-tenant").iter().collect();
        assert_eq!(tenants, ["shop", "bakery"]);
        assert_eq!(headers["user-agent"], "mine");
        assert_ne!(headers["content-type"], "text/html");
    }
}

#[test]
fn grpc_tells_the_backend_how_long_it_waits() {
    let (world, backend) = (World::new(), Backend::start());
    let exporter = world.start(&grpc(&backend));
    queue(&exporter, 1, 1);
    assert_eq!(backend.wait_for(1)[0].headers["grpc-timeout"], "10000m");
}

#[test]
fn what_came_compressed_goes_on_as_the_very_bytes_it_was() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        let exporter = world.start(&compressed(config(&backend)));
        // Level 9, which otlet itself never uses.
        let message = request(3, 50).encode_to_vec();
        let mut compressor =
            libdeflater::Compressor::new(libdeflater::CompressionLvl::new(9).unwrap());
        let mut gzip = vec![0; compressor.gzip_compress_bound(message.len())];
        let len = compressor.gzip_compress(&message, &mut gzip).unwrap();
        gzip.truncate(len);
        let payload = came(Coding::Gzip, &gzip);
        let _taken = exporter
            .reserve(Size::default())
            .unwrap()
            .commit(payload, Size::default());
        let received = &backend.wait_for(1)[0];
        assert_eq!(received.coding.as_deref(), Some("gzip"));
        assert_eq!(received.body, gzip);
        assert_eq!(received.request, Request::Logs(request(3, 50)));
    }
}

#[test]
fn what_came_as_zstd_goes_on_as_the_very_bytes_it_was() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        let exporter = world.start(&compressed_by(config(&backend), Compression::Zstd));
        // A level that otlet itself never uses.
        let body = zstd::bulk::compress(&request(3, 50).encode_to_vec(), 19).unwrap();
        let _taken = exporter
            .reserve(Size::default())
            .unwrap()
            .commit(came(Coding::Zstd, &body), Size::default());
        let received = &backend.wait_for(1)[0];
        assert_eq!(received.coding.as_deref(), Some("zstd"));
        assert_eq!(received.body, body);
        assert_eq!(received.request, Request::Logs(request(3, 50)));
    }
}

#[test]
fn what_came_plain_is_compressed_on_demand_however_large() {
    for (protocol, config) in PROTOCOLS.into_iter().enumerate() {
        for (compression, names) in [
            (Compression::Gzip, ["gzip", "gzip"]),
            (Compression::Zstd, ["zstd", "zstd"]),
            (Compression::Deflate, ["deflate", "deflate"]),
            (Compression::Zlib, ["deflate", "zlib"]),
        ] {
            let (world, backend) = (World::new(), Backend::start());
            let exporter = world.start(&compressed_by(config(&backend), compression));
            for (i, count) in [1, 40_000].into_iter().enumerate() {
                queue(&exporter, 5, count);
                let received = &backend.wait_for(i + 1)[i];
                assert_eq!(received.coding.as_deref(), Some(names[protocol]));
                assert_eq!(received.request, Request::Logs(request(5, count)));
            }
            assert!(payload(5, 40_000).size() > 2 << 20);
        }
    }
}

#[test]
fn what_came_compressed_is_opened_for_a_backend_that_wants_it_plain() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        let exporter = world.start(&config(&backend));
        for (i, count) in [10, 40_000].into_iter().enumerate() {
            let message = request(6, count).encode_to_vec();
            let coding = [Coding::Gzip, Coding::Zstd][i];
            let payload = Payload::packed(Signal::Logs, compression::deflate(coding, &message));
            let _taken = exporter
                .reserve(Size::default())
                .unwrap()
                .commit(payload, Size::default());
            let received = &backend.wait_for(i + 1)[i];
            assert_eq!(received.coding, None);
            assert_eq!(received.body, message);
        }
    }
}

#[test]
fn a_request_that_cannot_be_opened_is_refused_for_good_and_not_sent() {
    let (world, backend) = (World::new(), Backend::start());
    let exporter = world.start(&without_queue(grpc(&backend)));
    // Its first and its last bytes are those of gzip.
    let payload = came(Coding::Gzip, b"\x1f\x8b\x08 no gzip at all\x09\0\0\0");
    let size = Size { bytes: 1, items: 9 };
    let delivery = exporter.reserve(size).unwrap().commit(payload, size);
    let refusal = world.wait(delivery.wait()).unwrap_err();
    assert!(matches!(refusal, Refusal::Rejected(_)), "{refusal}");
    assert_eq!(exporter.counters().failed_items.get(), 9);
    assert_eq!(backend.attempts(), 0);
}

#[test]
fn requests_of_one_thread_share_one_grpc_connection() {
    let (world, backend) = (World::new(), Backend::start());
    let exporter = world.start(&grpc(&backend));
    for number in 0..50 {
        queue(&exporter, number, 1);
    }
    world.wait(exporter.drain());
    assert_eq!(numbers(&backend.taken()), (0..50).collect::<Vec<_>>());
    // One for each of the two threads.
    assert!(backend.connections() <= 2, "{}", backend.connections());
}

/// What servers say that do not know zstd.
const UNKNOWN: [Answer; 4] = [
    Answer::UnknownCoding {
        code: Code::Internal,
        said: "Error parsing 'grpc-encoding' metadata: invalid value: zstd",
        understood: "identity, deflate, gzip",
    },
    Answer::UnknownCoding {
        code: Code::Unimplemented,
        said: "grpc: Decompressor is not installed for grpc-encoding \"zstd\"",
        understood: "",
    },
    Answer::UnknownCoding {
        code: Code::Unimplemented,
        said: "no",
        understood: "gzip",
    },
    Answer::UnknownCoding {
        code: Code::Internal,
        said: "parsing grpc-encoding",
        understood: "gzip;q=1, deflate",
    },
];

#[test]
fn a_backend_that_does_not_know_the_compression_gets_everything_plain() {
    for config in PROTOCOLS {
        for unknown in UNKNOWN {
            let (world, backend) = (World::new(), Backend::start());
            backend.always(unknown.clone());
            let exporter = world.start(&compressed_by(config(&backend), Compression::Zstd));
            // One that came compressed, and one that did not.
            let message = request(0, 1).encode_to_vec();
            let packed =
                Payload::packed(Signal::Logs, compression::deflate(Coding::Zstd, &message));
            let _taken = exporter
                .reserve(Size::default())
                .unwrap()
                .commit(packed, Size::default());
            world.until(|| exporter.queue().depth().requests == 0);
            for number in 1..10 {
                queue(&exporter, number, 1);
            }
            world.until(|| exporter.queue().depth().requests == 0);
            assert_eq!(numbers(&backend.taken()), (0..10).collect::<Vec<_>>());
            // Only the first came compressed.
            assert_eq!(backend.attempts(), 11, "{unknown:?}");
            let sent = exporter.counters().sent_requests.get();
            let failed = exporter.counters().failed_requests.get();
            assert_eq!(
                (sent, failed, exporter.counters().retries.get()),
                (10, 0, 1)
            );
        }
    }
}

#[test]
fn a_backend_that_refuses_the_plain_request_too_goes_on_getting_compressed_ones() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        backend.script([UNKNOWN[2].clone(), Answer::refused()]);
        let exporter = world.start(&compressed_by(config(&backend), Compression::Zstd));
        queue(&exporter, 1, 1);
        world.until(|| exporter.queue().depth().requests == 0);
        assert_eq!(exporter.counters().failed_requests.get(), 1);
        queue(&exporter, 2, 1);
        world.wait(exporter.drain());
        let received = backend.received();
        let codings: Vec<_> = received.iter().map(|one| one.coding.as_deref()).collect();
        assert_eq!(codings, [Some("zstd"), None, Some("zstd")]);
    }
}
