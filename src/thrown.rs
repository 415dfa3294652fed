//! Errors as JavaScript sees them.

use crate::error::Error;
use wasm_bindgen::JsValue;

/// A JavaScript `Error` with the kind as its property `kind`.
impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        let js = js_sys::Error::new(error.message());
        // Setting a property of a fresh object can't fail.
        let _ = js_sys::Reflect::set(&js, &"kind".into(), &error.kind().name().into());
        js.into()
    }
}
