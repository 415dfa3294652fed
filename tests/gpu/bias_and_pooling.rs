//! Operations that only some architectures need: attention with a bias per distance between key and query,
//! and means of rows. The CPU is compared with f64, the graphics device with the CPU.

use crate::common::kernels::{Failures, ROUNDING};
use crate::common::{Random, gpu, largest_difference, now};
use tabsense::backend::cpu::CpuBackend;
use tabsense::backend::{Attention, Backend, Columns, Spans};

/// Texts on both sides of the kernels' tiles, including one without tokens.
const LENGTHS: [&[u32]; 4] = [&[1], &[5, 1, 33, 2], &[64, 0, 65], &[200]];
/// Heads, and the width of each.
const HEADS: [(usize, usize); 4] = [(1, 1), (2, 3), (3, 16), (2, 65)];
/// R, more than the number of tokens in the longest text.
const REACH: usize = 203;

/// q, k and v of texts side by side, and biases large enough to matter.
struct Case {
    heads: usize,
    width: usize,
    starts: Vec<u32>,
    qkv: Vec<f32>,
    biases: Vec<f32>,
}

fn cases() -> impl Iterator<Item = Case> {
    let mut random = Random(29);
    LENGTHS.iter().flat_map(|lengths| HEADS.map(|heads| (lengths, heads))).map(move |(lengths, (heads, head_width))| {
        let mut starts = vec![0];
        lengths.iter().for_each(|n| starts.push(starts.last().unwrap() + n));
        let (width, tokens) = (heads * head_width, *starts.last().unwrap() as usize);
        let qkv = random.values(tokens * 3 * width).iter().map(|x| 2.0 * x).collect();
        let biases = random.values(heads * (2 * REACH - 1)).iter().map(|x| 3.0 * x).collect();
        Case { heads, width, starts, qkv, biases }
    })
}

impl Case {
    /// The attention of every row, or only of each text's first, and the biases, which must outlive the pass.
    fn attend<B: Backend>(&self, backend: &B, first_alone: bool) -> (B::Tensor, B::RelativeBias) {
        let (width, tokens) = (self.width, *self.starts.last().unwrap() as usize);
        let x = backend.embed(tokens, 3 * width, None, |to| to.copy_from_slice(&self.qkv)).unwrap();
        let bias = backend.relative_bias(self.heads, self.biases.clone()).unwrap();
        let texts = self.starts.len() - 1;
        let one_each: Vec<u32> = (0..=texts as u32).collect();
        let first = backend.take_rows(&x, &self.starts[..texts]).unwrap();
        let (queries, q) = if first_alone { (&one_each, &first) } else { (&self.starts, &x) };
        let spans = Spans { queries, keys: &self.starts };
        let [q, k, v] = [(q, 0), (&x, width), (&x, 2 * width)].map(|(tensor, first)| Columns { tensor, first });
        let plain = Attention::new([q, k, v], spans, width, self.heads);
        (backend.attention(Attention { bias: Some(&bias), ..plain }).unwrap(), bias)
    }

    /// Row `query` of the text in rows `keys`, in f64.
    fn exact(&self, query: usize, keys: std::ops::Range<usize>) -> Vec<f64> {
        let (width, head_width) = (self.width, self.width / self.heads);
        let at = |row: usize, column: usize| f64::from(self.qkv[row * 3 * width + column]);
        let mut y = vec![0.0; width];
        for head in 0..self.heads {
            let columns = head * head_width..(head + 1) * head_width;
            let weights: Vec<f64> = keys
                .clone()
                .map(|j| {
                    let score: f64 = columns.clone().map(|c| at(query, c) * at(j, width + c)).sum();
                    let bias = self.biases[head * (2 * REACH - 1) + REACH - 1 + j - query];
                    (score / (head_width as f64).sqrt() + f64::from(bias)).exp()
                })
                .collect();
            let total: f64 = weights.iter().sum();
            for c in columns {
                y[c] = keys.clone().zip(&weights).map(|(j, w)| w / total * at(j, 2 * width + c)).sum();
            }
        }
        y
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn the_cpu_adds_each_distance_s_bias() {
    let backend = CpuBackend::new();
    let mut failures = Failures::default();
    for case in cases() {
        let y = now(backend.read(&case.attend(&backend, false).0)).unwrap();
        for span in case.starts.windows(2).map(|s| s[0] as usize..s[1] as usize) {
            for query in span.clone() {
                for (i, want) in case.exact(query, span.clone()).into_iter().enumerate() {
                    let name = format!("{:?}, {} heads, row {query}, {i}", case.starts, case.heads);
                    // Scores of about 20, each off by a few of their roundings.
                    failures.check(&name, y[query * case.width + i], want, 6e-6);
                }
            }
        }
        let first = now(backend.read(&case.attend(&backend, true).0)).unwrap();
        for (b, start) in case.starts[..case.starts.len() - 1].iter().enumerate() {
            let (got, all) = (&first[b * case.width..][..case.width], *start as usize * case.width);
            if case.starts[b + 1] > *start {
                assert_eq!(got, &y[all..all + case.width], "the first row alone");
            }
        }
    }
}

gpu_test!(the_device_adds_each_distance_s_bias, async {
    let (backend, cpu) = (gpu::shared_backend().await, CpuBackend::new());
    for case in cases() {
        for first_alone in [false, true] {
            let on_cpu = cpu.read(&case.attend(&cpu, first_alone).0).await.unwrap();
            let (y, _biases) = case.attend(backend, first_alone);
            let on_gpu = gpu::read(backend, &y).await;
            // As without biases (tests/gpu/kernels.rs), with scores of up to 4·√dh + 3.
            let scores = 4.0 * ((case.width / case.heads) as f32).sqrt() + 3.0;
            let allowed = 2.0 * scores * 8.0 * ROUNDING as f32 + 4e-6;
            let difference = largest_difference(&on_gpu, &on_cpu);
            assert!(difference <= allowed, "{:?}, {} heads: {difference}, allowed {allowed}", case.starts, case.heads);
        }
    }
});

const TEXTS: [u32; 5] = [0, 3, 3, 70, 71];

fn means<B: Backend>(backend: &B, width: usize, values: &[f32]) -> B::Tensor {
    let x = backend.embed(71, width, None, |to| to.copy_from_slice(values)).unwrap();
    // Means of rows that were taken themselves.
    let rows: Vec<u32> = (0..71).rev().collect();
    let reversed = backend.take_rows(&x, &rows).unwrap();
    let back = backend.take_rows(&reversed, &rows).unwrap();
    backend.mean_rows(&back, &TEXTS).unwrap()
}

gpu_test!(means_of_rows, async {
    let (backend, cpu, mut random) = (gpu::shared_backend().await, CpuBackend::new(), Random(31));
    for width in [1, 5, 16, 63, 300] {
        let values = random.values(71 * width);
        let on_cpu = cpu.read(&means(&cpu, width, &values)).await.unwrap();
        let mut failures = Failures::default();
        for (b, text) in TEXTS.windows(2).enumerate() {
            for d in 0..width {
                let column = (text[0]..text[1]).map(|n| f64::from(values[n as usize * width + d]));
                let want = column.sum::<f64>() / f64::from((text[1] - text[0]).max(1));
                // Sums of up to 67 numbers, rounded 67 times.
                failures.check(&format!("width {width}, {b}, {d}"), on_cpu[b * width + d], want, 67.0 * ROUNDING);
            }
        }
        let on_gpu = gpu::read(backend, &means(backend, width, &values)).await;
        assert!(largest_difference(&on_gpu, &on_cpu) <= 2.0 * ROUNDING as f32, "width {width}");
    }
});
