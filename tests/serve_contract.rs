//! The contract that clients were built on: a change that breaks them cannot pass unseen.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use postloan::serve::contract::FILE_DESCRIPTOR_SET;
use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// Everything that a client's code or bytes depend on, a fact a line.
fn facts() -> Vec<String> {
    let descriptors = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut facts = Vec::new();
    for file in descriptors.file.iter().filter(|file| !file.package().starts_with("google.")) {
        let package = file.package();
        facts.push(format!("file {} {} {package}", file.name(), file.syntax()));
        if let Some(options) = &file.options {
            facts.push(format!(
                "java {} {} {}",
                options.java_package(),
                options.java_outer_classname(),
                options.java_multiple_files()
            ));
        }
        for service in &file.service {
            for method in &service.method {
                let stream = |streaming| if streaming { "stream " } else { "" };
                facts.push(format!(
                    "rpc /{package}.{}/{} ({}{}) returns ({}{})",
                    service.name(),
                    method.name(),
                    stream(method.client_streaming()),
                    method.input_type(),
                    stream(method.server_streaming()),
                    method.output_type()
                ));
            }
        }
        for message in &file.message_type {
            add_message(&mut facts, &format!("{package}.{}", message.name()), message);
        }
        for of in &file.enum_type {
            add_enum(&mut facts, &format!("{package}.{}", of.name()), of);
        }
    }
    facts
}

fn add_message(facts: &mut Vec<String>, name: &str, message: &DescriptorProto) {
    for field in &message.field {
        facts.push(format!("{name} {}", field_fact(message, field)));
    }
    for nested in &message.nested_type {
        add_message(facts, &format!("{name}.{}", nested.name()), nested);
    }
    for of in &message.enum_type {
        add_enum(facts, &format!("{name}.{}", of.name()), of);
    }
}

fn field_fact(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let label = match (field.label(), field.proto3_optional(), field.oneof_index) {
        (Label::Repeated, ..) => "repeated ".to_owned(),
        (_, true, _) => "optional ".to_owned(),
        (.., Some(index)) => {
            let index = usize::try_from(index).unwrap();
            format!("oneof {} ", message.oneof_decl[index].name())
        }
        _ => String::new(),
    };
    let kind = match field.r#type() {
        Type::Message | Type::Enum => field.type_name().to_owned(),
        kind => kind.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    };
    format!("{} {label}{kind} {}", field.number(), field.name())
}

fn add_enum(facts: &mut Vec<String>, name: &str, of: &EnumDescriptorProto) {
    for value in &of.value {
        facts.push(format!("{name} {} {}", value.number(), value.name()));
    }
}

#[test]
fn the_compiled_contract_is_the_committed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/contract.txt");
    let compiled = facts();
    if std::env::var_os("POSTLOAN_WRITE_CONTRACT").is_some() {
        fs::write(&path, compiled.join("\n") + "\n").unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    let committed: BTreeSet<&str> = committed.lines().collect();
    let compiled: BTreeSet<&str> = compiled.iter().map(String::as_str).collect();
    let gone: Vec<_> = committed.difference(&compiled).collect();
    assert!(gone.is_empty(), "this breaks clients, who were promised: {gone:#?}");
    let new: Vec<_> = compiled.difference(&committed).collect();
    assert!(
        new.is_empty(),
        "what is promised to clients from now on, is it to last? Then write it down with \
         POSTLOAN_WRITE_CONTRACT=1 cargo test --test serve_contract: {new:#?}"
    );
}
