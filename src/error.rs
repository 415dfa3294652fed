//! The one error type. Every error has a `kind` from a closed list, which the TypeScript side repeats word for word
//! (`js/api/errors.ts`; a test compares them), and a message that says what is wrong and what to do.

use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What went wrong, as a closed list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorKind { $($(#[$doc])* $variant,)* }

        impl ErrorKind {
            /// Every kind, in the order of declaration.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$variant,)*];

            /// The name that JavaScript sees as `error.kind`.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorKind::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    /// An argument or an option has the wrong type or value.
    InvalidArgument = "invalid_argument",
    /// `config.json` is not JSON, lacks a field, or has impossible sizes.
    ConfigInvalid = "config_invalid",
    /// `config.json` describes an unsupported model.
    ConfigUnsupported = "config_unsupported",
    /// `tokenizer.json` can't be read, or its ids don't fit the model.
    TokenizerInvalid = "tokenizer_invalid",
    /// `tokenizer.json` has an unsupported stage, or no template for pairs.
    TokenizerUnsupported = "tokenizer_unsupported",
    /// The structure of the weights is invalid: a safetensors header, ONNX messages or a PyTorch pickle.
    WeightsHeader = "weights_header",
    /// The tensors don't match the configuration.
    WeightsMismatch = "weights_mismatch",
    /// A weight is NaN or infinite.
    WeightsNotFinite = "weights_not_finite",
    /// The weights' stream ended early or continued past its end.
    WeightsLength = "weights_length",
    /// A file's SHA-256 doesn't match `integrity`.
    Integrity = "integrity",
    /// A file could not be fetched: no connection, or a status other than success.
    Network = "network",
    /// A file is something else, such as a web page in place of a model file.
    NotAModel = "not_a_model",
    /// The classifier was disposed of before or during the call.
    Disposed = "disposed",
    /// There is not enough memory for the model or for a call.
    OutOfMemory = "out_of_memory",
    /// This browser or runtime lacks something that the engine needs.
    Environment = "environment",
    /// The graphics device was lost: reset, unplugged, or taken by the system.
    DeviceLost = "device_lost",
    /// The graphics device computes wrong results or fails, and is not used.
    WebgpuUnusable = "webgpu_unusable",
    /// Numbers overflow: a result of the model is NaN or infinite, a weight is too large for the format that it
    /// is converted to, or training overflows.
    NotFinite = "not_finite",
    /// The engine failed; this is a bug of this package.
    Internal = "internal",
}

/// An error with its kind and a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `kind`; `message` says what is wrong and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What went wrong, from the closed list.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What is wrong and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.kind.name())
    }
}

impl std::error::Error for Error {}

/// `n` elements of `T::default()`, or [`ErrorKind::OutOfMemory`] naming `what`, where a plain `vec!` would trap.
pub fn try_vec<T: Clone + Default>(n: usize, what: &str) -> Result<Vec<T>> {
    let mut v = Vec::new();
    v.try_reserve_exact(n).map_err(|_| out_of_memory::<T>(n, what))?;
    v.resize(n, T::default());
    Ok(v)
}

/// Reserves room for `n` more elements in `v`, or returns [`ErrorKind::OutOfMemory`] naming `what`.
pub fn try_reserve<T>(v: &mut Vec<T>, n: usize, what: &str) -> Result<()> {
    v.try_reserve(n).map_err(|_| out_of_memory::<T>(v.len().saturating_add(n), what))
}

fn out_of_memory<T>(n: usize, what: &str) -> Error {
    let mib = n.saturating_mul(size_of::<T>()) >> 20;
    Error::new(
        ErrorKind::OutOfMemory,
        format!(
            "No memory for {what} ({mib} MiB): close other tabs, or use a smaller model or dtype (\"int8\" or \"int4\")."
        ),
    )
}
