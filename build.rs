//! Strips comments and indentation from the shaders: they would be downloaded with the WebAssembly module.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=shaders");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("shaders");
    for folder in ["", "linear"] {
        let (from, to) = (Path::new("shaders").join(folder), out.join(folder));
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                let text = fs::read_to_string(entry.path())?;
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                let code: String = code.flat_map(|line| [line.trim_start(), "\n"]).collect();
                fs::write(to.join(entry.file_name()), code)?;
            }
        }
    }
    Ok(())
}
