//! WebAssembly engines compile a function with a fast baseline compiler first and optimize it later, which
//! for a matrix product takes longer than computing a short text. So the CPU's kernels run on a small model
//! with generated weights while the real one downloads.

use crate::backend::auto::AutoBackend;
use crate::backend::now;
use crate::batch::PackedBatch;
use crate::error::Result;
use crate::model::Model;
use crate::model::load::Dtype;
use crate::model::made_up::Sizes;

/// Small enough that a run ends before the next bytes arrive; every function of a forward pass is called.
const SIZES: Sizes = Sizes { layers: 2, width: 64, heads: 2, hidden: 256, vocabulary: 64, max_tokens: 16 };
/// Tokens per text: products have tiles of 1 to 6 rows, each with its own function.
const TOKENS: [&[usize]; 4] = [&[1], &[16, 3], &[10], &[5, 6]];

/// A small model that computes like one loaded as `dtype`.
pub struct WarmUp {
    model: Model<AutoBackend>,
    backend: AutoBackend,
    batches: [PackedBatch; TOKENS.len()],
}

impl WarmUp {
    /// Creates the model.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn new(dtype: Dtype) -> Result<Self> {
        let (model, backend) = SIZES.load(AutoBackend::cpu(), dtype)?;
        Ok(Self { model, backend, batches: TOKENS.map(|tokens| SIZES.batch(tokens)) })
    }

    /// Runs each kernel on few rows and on many.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn run(&self) -> Result<()> {
        for batch in &self.batches {
            now(self.model.forward(&self.backend, batch, |_, _| {}))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_of_each_dtype_runs() {
        for dtype in [Dtype::Fp32, Dtype::Int8, Dtype::Int4] {
            WarmUp::new(dtype).unwrap().run().unwrap();
        }
    }
}
