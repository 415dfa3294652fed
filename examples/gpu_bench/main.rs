//! Where a forward pass spends its time on this machine's graphics adapter, beside what the adapter can do at
//! most.
//!
//!     cargo run --release --example gpu_bench -- MODEL [fp32|fp16|int8|int4 ...]
//!
//! MODEL is a folder with config.json and model.safetensors. The texts are made up, of exactly so many
//! tokens.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tabsense::backend::Precision;
use tabsense::backend::gpu::GpuBackend;
use tabsense::backend::gpu::device::Device;
use tabsense::backend::gpu::memory::ledger;
use tabsense::batch::PackedBatch;
use tabsense::config::Config;
use tabsense::model::Model;
use tabsense::model::load::{Dtype, Loaded, ModelLoader};

mod peak;

/// Texts and tokens of each.
const CASES: [(usize, usize); 4] = [(1, 16), (1, 32), (1, 128), (64, 128)];
/// Runs of each; the median counts.
const RUNS: usize = 9;
/// Seconds after which a case has enough runs: software adapters take minutes for the largest.
const MAX_SECONDS: f64 = 10.0;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((folder, dtypes)) = arguments.split_first() else {
        eprintln!(
            "Usage: gpu_bench MODEL [fp32|fp16|int8|int4 ...]\nMODEL: a folder with config.json and model.safetensors."
        );
        return 2.into();
    };
    match now(run(Path::new(folder), dtypes)) {
        Ok(()) => 0.into(),
        Err(error) => {
            eprintln!("{error}");
            1.into()
        }
    }
}

/// The result of a future that waits for the device only, which it does by itself.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
}

async fn run(folder: &Path, dtypes: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let read =
        |name: &str| std::fs::read(folder.join(name)).map_err(|e| format!("{}: {e}", folder.join(name).display()));
    let (config, weights) = (read("config.json")?, read("model.safetensors")?);
    let device = Device::request(true).await?;
    let info = device.info().clone();
    let kind = if info.software { "software adapter" } else { "graphics card" };
    println!("{} ({kind}){}", info.adapter, if info.f16 { ", half precision" } else { "" });
    let peaks = peak::measure(&device);
    println!("at most {:.1} GFLOP/s from registers, {:.1} GB/s copied", peaks.gflops, peaks.gbytes);
    drop(device);

    let auto = ["auto".to_owned()];
    for dtype in if dtypes.is_empty() { &auto } else { dtypes } {
        let backend = GpuBackend::new(Device::request(true).await?);
        let mut loader = ModelLoader::new(backend, Config::from_json(&config)?, Dtype::from_name(dtype)?, None);
        for chunk in weights.chunks(1 << 20) {
            loader.push(chunk)?;
        }
        let (model, backend, loaded) = loader.finish()?;
        backend.settle().await?;
        let megabytes = ledger().bytes as f64 / 1e6;
        println!("\n{}, weights in {:?}: {megabytes:.1} MB on the adapter", folder.display(), loaded.precision);
        for (texts, tokens) in CASES {
            case(&model, &backend, &loaded, &peaks, texts, tokens).await?;
        }
    }
    Ok(())
}

/// What one kernel's dispatches do in a forward pass.
#[derive(Clone, Copy, Default)]
struct Work {
    flops: f64,
    bytes: f64,
}

/// The arithmetic that is needed, and the bytes that have to move at least once.
fn work(config: &Config, loaded: &Loaded, texts: usize, tokens: usize) -> BTreeMap<&'static str, Work> {
    let (d, f, layers) = (config.width as f64, config.hidden as f64, config.layers as f64);
    let (n, b, labels) = ((texts * tokens) as f64, texts as f64, config.labels.len() as f64);
    let weight = match loaded.precision {
        Precision::F32 => 4.0,
        Precision::F16 => 2.0,
        Precision::Int8 => 1.0,
        // And a scale in f32 for 32 of them.
        Precision::Int4 => 0.5 + 4.0 / 32.0,
    };
    let product =
        |rows: f64, k: f64, m: f64| Work { flops: 2.0 * rows * k * m, bytes: weight * k * m + 4.0 * rows * (k + m) };
    let add = |all: &mut Work, times: f64, part: Work| {
        (all.flops, all.bytes) = (all.flops + times * part.flops, all.bytes + times * part.bytes);
    };
    let mut linear = Work::default();
    for (rows, times) in [(n, layers - 1.0), (b, 1.0)] {
        for (k, m) in [(d, d), (d, f), (f, d)] {
            add(&mut linear, times, product(rows, k, m));
        }
    }
    add(&mut linear, layers - 1.0, product(n, d, 3.0 * d));
    add(&mut linear, 1.0, product(n, d, 2.0 * d));
    for (k, m) in [(d, d), (d, d), (d, labels)] {
        add(&mut linear, 1.0, product(b, k, m));
    }
    let mut attention = Work::default();
    for (queries, times) in [(n, layers - 1.0), (b, 1.0)] {
        let part = Work { flops: 4.0 * queries * tokens as f64 * d, bytes: 4.0 * d * (2.0 * queries + 2.0 * n) };
        add(&mut attention, times, part);
    }
    let rows = 2.0 * (layers - 1.0) * n + 2.0 * b;
    let layer_norm = Work { flops: 8.0 * rows * d, bytes: 8.0 * rows * d };
    [("linear", linear), ("attention", attention), ("layer_norm", layer_norm)].into()
}

async fn case(
    model: &Model<GpuBackend>,
    backend: &GpuBackend,
    loaded: &Loaded,
    peaks: &peak::Peaks,
    texts: usize,
    tokens: usize,
) -> tabsense::Result<()> {
    let tokens = tokens.min(model.config().max_tokens);
    let ids: Vec<u32> = (0..tokens as u32).map(|i| (i * 37 + 11) % model.config().vocabulary as u32).collect();
    let batch = PackedBatch::new((0..texts).map(|_| ids.as_slice()));
    let started = Instant::now();
    let mut walls = Vec::new();
    let mut kernels: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut dispatches = 0;
    // The first run warms up. It counts if it alone takes that long.
    for run in 0..=RUNS {
        let time_is_up = started.elapsed().as_secs_f64() > MAX_SECONDS;
        if run > 0 && time_is_up {
            break;
        }
        let before = backend.counts();
        backend.start_profile();
        let start = Instant::now();
        model.outputs(backend, &batch).await?;
        let profiled = start.elapsed().as_secs_f64() * 1e3;
        dispatches = backend.counts().dispatches - before.dispatches;
        let times = tabsense::backend::gpu::profile::by_kernel(&backend.take_profile().unwrap_or_default());
        let slow = started.elapsed().as_secs_f64() > MAX_SECONDS;
        if run == 0 && !slow {
            continue;
        }
        for time in times {
            kernels.entry(time.name).or_default().push(time.ms);
        }
        if slow {
            walls.push(profiled);
            continue;
        }
        let start = Instant::now();
        model.outputs(backend, &batch).await?;
        walls.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let work = work(model.config(), loaded, texts, tokens);
    let all: f64 = work.values().map(|w| w.flops).sum();
    let wall = median(&mut walls);
    let share = |gflops: f64| 100.0 * gflops / peaks.gflops;
    let gflops = all / wall / 1e6;
    println!(
        "\n{texts} × {tokens} tokens: {wall:.2} ms, {dispatches} dispatches, {gflops:.1} GFLOP/s ({:.0} % of the peak)",
        share(gflops)
    );
    if kernels.is_empty() {
        println!("  the adapter has no timestamps: no times by kernel");
    }
    for (name, mut times) in kernels {
        let (ms, work) = (median(&mut times), work.get(name).copied().unwrap_or_default());
        let (gflops, gbytes) = (work.flops / ms / 1e6, work.bytes / ms / 1e6);
        println!(
            "  {name:<10} {ms:9.3} ms  {gflops:9.1} GFLOP/s ({:3.0} %)  {gbytes:8.1} GB/s ({:3.0} %)",
            share(gflops),
            100.0 * gbytes / peaks.gbytes
        );
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
