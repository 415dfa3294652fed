//! The WGSL files and their declarations in Rust: every file is declared, parses and validates, and has the
//! bindings, the workgroup size and the parameters that the backend gives it.

use naga::{AddressSpace, StorageAccess, TypeInner};
use std::collections::{BTreeMap, BTreeSet};
use tabsense::backend::gpu::kernels::{Binding, Kernel};

/// The file in `shaders/`, including its comments.
fn source(name: &str) -> String {
    std::fs::read_to_string(format!("{}/shaders/{name}.wgsl", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn parse(name: &str, text: &str) -> naga::Module {
    let module = naga::front::wgsl::parse_str(text).unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(text)));
    use naga::valid::Capabilities;
    let capabilities = Capabilities::SHADER_FLOAT16 | Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(text)));
    module
}

#[test]
fn every_file_is_a_kernel_and_every_kernel_a_file() {
    let files: BTreeSet<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".wgsl"))
        .collect();
    let kernels: BTreeSet<String> = Kernel::ALL.iter().map(|k| format!("{}.wgsl", k.file().0)).collect();
    assert_eq!(files, kernels);
    assert!(Kernel::ALL.len() <= 12, "at most a dozen pipelines");
}

#[test]
fn lines_are_short_and_no_two_kernels_spell_the_same_out() {
    let mut blocks: BTreeMap<String, &str> = BTreeMap::new();
    for kernel in Kernel::ALL {
        let name = kernel.file().0;
        let text = source(name);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= 110), "{name}");
        for block in lines.windows(12) {
            let other = *blocks.entry(block.join("\n")).or_insert(name);
            assert_eq!(other, name, "{}", block.join("\n"));
        }
    }
}

#[test]
fn bindings_are_those_that_the_backend_makes() {
    for kernel in Kernel::ALL {
        let (name, text) = kernel.file();
        let module = parse(name, text);
        let mut bindings: Vec<(u32, Binding)> = Vec::new();
        for (_, variable) in module.global_variables.iter() {
            let Some(place) = &variable.binding else { continue };
            assert_eq!(place.group, 0, "{name}");
            let kind = match variable.space {
                AddressSpace::Uniform => Binding::Parameters,
                AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => Binding::Output,
                AddressSpace::Storage { .. } => Binding::Input,
                other => panic!("{name}: a binding in {other:?}"),
            };
            bindings.push((place.binding, kind));
        }
        bindings.sort_by_key(|(place, _)| *place);
        let expected: Vec<(u32, Binding)> = (0..).zip(kernel.bindings().iter().copied()).collect();
        assert_eq!(bindings, expected, "{name}");
    }
}

#[test]
fn workgroups_and_parameters_have_the_sizes_that_rust_counts_with() {
    for kernel in Kernel::ALL {
        let (name, text) = kernel.file();
        let module = parse(name, text);
        let [entry] = &module.entry_points[..] else { panic!("{name}: one entry point") };
        assert_eq!(entry.name, "main", "{name}");
        assert_eq!(entry.workgroup_size, [kernel.workgroup(), 1, 1], "{name}");
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let mut workgroup_bytes = 0;
        for (_, variable) in module.global_variables.iter() {
            let size = layouter[variable.ty].size;
            match variable.space {
                AddressSpace::Uniform => {
                    let TypeInner::Struct { members, .. } = &module.types[variable.ty].inner else {
                        panic!("{name}: parameters are a structure")
                    };
                    assert!(size <= 48 && members.iter().all(|m| layouter[m.ty].size == 4), "{name}: {size} bytes");
                }
                AddressSpace::WorkGroup => workgroup_bytes += size,
                _ => {}
            }
        }
        assert!(workgroup_bytes <= 16 << 10, "{name}: {workgroup_bytes} bytes of workgroup memory");
        assert!(!text.contains("//"), "{name}: comments are not to be downloaded");
        let text = source(name);
        // The header says what it computes, how it is dispatched, and which CPU kernel it must agree with.
        for word in ["// dispatch:", "// twin: src/backend/cpu/"] {
            assert!(text.contains(word), "{name} has no line {word:?}");
        }
        let twin = text.split("// twin: ").nth(1).unwrap().split([';', '\n']).next().unwrap();
        assert!(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(twin).exists(), "{name}: no file {twin}");
    }
}
