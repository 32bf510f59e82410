//! The instrument's command line: `cargo run --profile dist -p otlet-bench --example bench -- --help`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its output is what it is for"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::{Parser, Subcommand};
use otlet_bench::forward::{self, Threads};
use otlet_bench::load::{self, Load};
use otlet_bench::overload::{self, Overload};
use otlet_bench::requests::Shape;
use otlet_bench::run::{self, Comparison};
use otlet_bench::sink::{self, Behaviour, Counts};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures otlet against a bare forwarder.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Put programs between a load and a sink, in turn, and print what each costs.
    Compare(Comparison),
    /// Offer otlet several times what its backend can take, and print what it delivers and holds.
    Overload(Overload),
    /// Send a load to an OTLP/gRPC endpoint and print what came of it as JSON.
    Load {
        /// `host:port`.
        #[arg(long)]
        target: String,
        #[arg(long, value_enum, default_value = "spans")]
        shape: Shape,
        #[arg(long)]
        gzip: bool,
        #[arg(long, default_value_t = 2)]
        connections: usize,
        #[arg(long, default_value_t = 16)]
        in_flight: usize,
        /// Requests a second; flat out if not given.
        #[arg(long)]
        rate: Option<u32>,
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
    },
    /// Be a sink and print every second what came.
    Sink {
        #[arg(long, default_value = "127.0.0.1:4317")]
        listen: SocketAddr,
        #[arg(long, default_value_t = 16384)]
        max_frame: u32,
        /// Milliseconds before each answer.
        #[arg(long, default_value_t = 0)]
        delay: u64,
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
        Command::Compare(comparison) => {
            let figures = current()?.block_on(run::compare(&comparison))?;
            println!("{}", run::table(&figures, comparison.shape.records()));
            Ok(())
        }
        Command::Overload(overload) => {
            println!("{}", current()?.block_on(overload::run(&overload))?);
            Ok(())
        }
        Command::Load {
            target,
            shape,
            gzip,
            connections,
            in_flight,
            rate,
            seconds,
        } => {
            let load = Load {
                target,
                path: shape.path(),
                requests: shape.framed(8, gzip).into(),
                gzip,
                connections,
                in_flight,
                rate,
                duration: Duration::from_secs_f64(seconds),
            };
            let outcome = current()?.block_on(load::send(load))?;
            println!("{}", serde_json::to_string(&outcome)?);
            Ok(())
        }
        Command::Sink {
            listen,
            max_frame,
            delay,
        } => current()?.block_on(async {
            let counts = Arc::new(Counts::default());
            let behaviour = Behaviour {
                max_frame,
                delay: Duration::from_millis(delay),
                ..Behaviour::default()
            };
            let listener = TcpListener::bind(listen).await?;
            eprintln!("listening address={}", listener.local_addr()?);
            tokio::spawn(report(Arc::clone(&counts)));
            sink::serve(listener, behaviour, counts).await
        }),
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
                eprintln!("listening bare address={}", listener.local_addr()?);
                forward::serve(listener, target, threads).await
            })
        }
    }
}

fn current() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

async fn report(counts: Arc<Counts>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tick.tick().await;
        println!(
            "requests={} bytes={}",
            counts.requests.load(Ordering::Relaxed),
            counts.bytes.load(Ordering::Relaxed)
        );
    }
}
