//! The instrument's command line: `cargo run --profile dist -p otlet-bench --example bench -- --help`.
#![allow(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its output is what it is for"
)]

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use clap::{Parser, Subcommand};
use otlet_bench::forward::{self, Threads};
use otlet_bench::load::{self, Load};
use otlet_bench::otlp::Protocol;
use otlet_bench::report;
use otlet_bench::requests::Shape;
use otlet_bench::run::{self, Options};
use otlet_bench::sink::{Behaviour, Sink};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures otlet and its peers.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play scenarios: programs take turns between a load and a sink; a report says what each costs.
    Scenario(Options),
    /// Send a load to an OTLP endpoint and print what came of it as JSON.
    Load {
        /// `host:port`.
        #[arg(long)]
        target: String,
        #[arg(long, value_enum, default_value = "spans")]
        shape: Shape,
        /// Records of a request.
        #[arg(long, default_value_t = 1000)]
        batch: usize,
        #[arg(long, value_enum, default_value = "grpc")]
        protocol: Protocol,
        #[arg(long)]
        gzip: bool,
        /// Connections, over gRPC; over HTTP there is one for each request in flight.
        #[arg(long, default_value_t = 2)]
        connections: usize,
        #[arg(long, default_value_t = 16)]
        in_flight: usize,
        /// Records a second; flat out if not given.
        #[arg(long)]
        rate: Option<f64>,
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
    },
    /// Be a sink and print every second what came.
    Sink {
        #[arg(long, default_value = "127.0.0.1:4317")]
        grpc: SocketAddr,
        #[arg(long, default_value = "127.0.0.1:4318")]
        http: SocketAddr,
        #[arg(long, default_value_t = Behaviour::default().max_frame)]
        max_frame: u32,
        /// Milliseconds before each answer.
        #[arg(long, default_value_t = 0)]
        delay_ms: u64,
        /// Milliseconds for each MiB, one request after the other.
        #[arg(long, default_value_t = 0)]
        pace_ms: u64,
    },
    /// Be a bare forwarder.
    Forward {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        #[arg(long)]
        target: String,
        #[arg(long, value_enum, default_value = "current")]
        threads: Threads,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Scenario(options) => {
            let results = run::play(&options)?;
            println!("{}", report::write(&results, &options.out)?);
            let faults = results.faults();
            ensure!(faults == 0, "{faults} faults: the report has them");
            Ok(())
        }
        Command::Load {
            target,
            shape,
            batch,
            protocol,
            gzip,
            connections,
            in_flight,
            rate,
            seconds,
        } => {
            let load = Load {
                target,
                protocol,
                signal: shape.signal(),
                requests: shape.requests(batch, protocol, gzip)?.into(),
                gzip,
                connections,
                in_flight,
                rate: rate.map(|records| records / batch as f64),
                duration: Duration::from_secs_f64(seconds),
            };
            let outcome = current()?.block_on(load::send(load))?;
            println!("{}", serde_json::to_string(&outcome)?);
            Ok(())
        }
        Command::Sink {
            grpc,
            http,
            max_frame,
            delay_ms,
            pace_ms,
        } => current()?.block_on(sink(
            grpc,
            http,
            Behaviour {
                max_frame,
                delay_ms,
                pace_ms,
            },
        )),
        Command::Forward {
            listen,
            target,
            threads,
        } => {
            let runtime = match threads {
                Threads::Multi => Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()?,
                Threads::Current | Threads::HandOver => current()?,
            };
            runtime.block_on(async {
                let listener = TcpListener::bind(listen).await?;
                eprintln!("listening address={}", listener.local_addr()?);
                forward::serve(listener, target, threads).await
            })
        }
    }
}

fn current() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

async fn sink(grpc: SocketAddr, http: SocketAddr, behaviour: Behaviour) -> anyhow::Result<()> {
    let sink = Sink::start(grpc, http, behaviour).await?;
    eprintln!("listening grpc={} http={}", sink.grpc, sink.http);
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tick.tick().await;
        println!("{}", serde_json::to_string(&sink.arrived())?);
    }
}
