/** What `--help` prints. */

import { CONVERT_DTYPES } from "../convert.js";
import { DTYPES } from "../files/choice.js";
import { ENCODINGS } from "../csv/content.js";
import { ANY_OF, DEFAULT_EMBEDDER, type Command } from "./arguments.js";

const CONVERTED = ANY_OF.format(CONVERT_DTYPES);

const USAGE: Record<Command, string> = {
  classify: `Usage: tabsense [classify] TEXT...            classify each text
       tabsense [classify] FILE [--out FILE]  classify each row of a file; - is standard input
`,
  teach: `Usage: tabsense teach FILE --out FILE       reads examples, writes the classifier to --out
`,
  convert: `Usage: tabsense convert IN OUT --dtype TYPE     TYPE is ${CONVERTED}
       tabsense convert IN FOLDER --vocabulary TEXTS --keep N [--dtype TYPE]
       tabsense convert IN OUT [--compress]        IN is safetensors; its numbers are kept
`,
  info: `Usage: tabsense info [MODEL]
`,
  bench: `Usage: tabsense bench [MODEL]
`,
};

const MODEL = `  --model MODEL      an embedded model's name, "org/name[@revision]" on a model hub, a URL or a folder
                     (default: sentiment-en); the environment variable HF_ENDPOINT names another hub
`;

const DEVICE = `  --device DEVICE    auto, cpu or webgpu (Node has no WebGPU and uses the CPU)
`;

const DTYPE = `  --dtype TYPE       which weights to use: ${DTYPES.join(", ")}
                     (auto: the smallest file of 8 bits or more; fp16 is for graphics cards)
`;

const DETAILS: Record<Command, string> = {
  classify: `Prints the labels of each text, best first. For a file, or a pipe on standard input, prints an answer per row, in order;
the file may have any length. Rows of CSV and JSON Lines keep their columns and get "label" and "score". An argument is
a file if one of that name exists, or if it ends in .csv, .tsv, .jsonl, .ndjson or .txt. Everything after -- is text:
tabsense -- info

Model:
${MODEL}${DEVICE}${DTYPE}  --threads N        use at most N processors (default: all for a file, four for a text)
  --taught FILE      classify with a classifier from \`tabsense teach\`; pass its encoder as --model if it can't be found by
                     the name in FILE

Text:
  --pair TEXT        a second text, for models of pairs

Answers:
  --top N            print the N best labels, or all (default: all for a text, the best for a row)
  --json             print one JSON object per text, also for a file

Files:
  --format FORMAT    csv, tsv, jsonl or text (one per line); default: by the file's name; text for standard input
  --encoding NAME    ${ANY_OF.format(ENCODINGS)} (default: utf-8)
  --column NAME      the column of the text: its name, or its number from 1; in JSON Lines the property
                     (default: "text", or the only column)
  --pair-column NAME the column of the second text, for models of pairs; named like --column
  --delimiter CHAR   what separates columns (default: comma, semicolon, tab or |, detected from the first rows; a tab in TSV)
  --quote CHAR       what quotes fields, or none (default: " in CSV, none in TSV)
  --no-header        the CSV's first row is data
  --skip-invalid     skip rows that can't be classified, and say how many (default: stop at the first)
  --out FILE         write to FILE: .jsonl, .csv or .tsv (default: JSON Lines on standard output)
  --out-format FORMAT
                     csv or jsonl, regardless of the output's name
  --prefix TEXT      prefix for the column names of the answers
  --escape-formulas  in CSV, put ' before cells that a spreadsheet would run as formulas (labels always have it)
  --resume           continue an earlier run with the same options, after the rows in --out
  --force            overwrite --out
`,
  teach: `Teaches a classifier of your own labels from examples, a text and its label per row, and reports its accuracy by
leave-one-out. The classifier is one JSON file, for --taught and TaughtClassifier.from.

Model:
  --model MODEL      the encoder that embeds texts, named as for classify (default: ${DEFAULT_EMBEDDER})
${DEVICE}${DTYPE}  --threads N        use at most N processors (default: four)

Examples:
  --text NAME        the column of the text: its name, or its number from 1; in JSON Lines the property (default: "text")
  --label NAME       the column of the label (default: "label")
  --separator TEXT   rows have any number of labels, separated by TEXT
  --format FORMAT    csv, tsv or jsonl; default: by the file's name
  --encoding NAME    ${ANY_OF.format(ENCODINGS)} (default: utf-8)
  --delimiter CHAR, --quote CHAR, --no-header
                     as for classify

  --out FILE         write the classifier to FILE
  --force            overwrite --out
  --json             print the report as one JSON object
`,
  convert: `Converts weights to a smaller safetensors file. IN is a file (safetensors, ONNX, PyTorch's .bin) or a model: a folder, a
URL, or "org/name[@revision]" on a model hub. If a model has several files, full weights are preferred.

  --dtype TYPE       ${CONVERTED}
  --calibration TEXTS
                     for int4: typical texts for the model, one per line, or JSON Lines (.jsonl) with a property "text";
                     config.json and the tokenizer's files must be beside the weights
  --compress         compress the weights: 8 to 9 % fewer bytes, the same numbers. Only Tabsense reads such a file
  --tables TYPE      for int4: the type of the word embedding table, int8 (the default) or int4, half as large; other
                     tables are int8
  --vocabulary TEXTS, --keep N
                     for models with WordPiece (such as BERT): keep only the N most useful tokens for these texts, and
                     write the model's folder. Special and added tokens and the single characters of the texts' scripts
                     are always kept; other words are cut into kept tokens. TEXTS has one text per line, or is CSV, TSV
                     or JSON Lines by its name. Without --dtype the weights keep their type
  --column NAME      the column of the text in TEXTS, as for classify (default: "text", or the only column)
  --force            overwrite OUT if it exists; IN itself is never overwritten
`,
  info: `Shows what a model is, from its configuration and the header of its weights; the weights are not read.

${MODEL}  --json             print one JSON object
`,
  bench: `Measures a model on this machine in about fifteen seconds: the time to load it, the latency for texts of 16, 32 and 128
tokens (median and 90th percentile), and the throughput in texts per second.

${MODEL}${DEVICE}${DTYPE}                     (more than one: --dtype int8,fp32)
  --threads N        numbers of threads, such as 1,2 (default: one, and all up to four)
  --json             print one JSON object
`,
};

const GENERAL = `Usage: tabsense TEXT...                       classify each text
       tabsense classify FILE [--out FILE]    classify each row of a CSV, JSON Lines or text file; - is standard input
       tabsense teach FILE --out FILE         teach a classifier of your own labels from examples
       tabsense convert IN OUT --dtype TYPE   convert a model's weights to ${CONVERTED}
       tabsense info [MODEL]                  show what a model is, without loading it
       tabsense bench [MODEL]                 measure a model on this machine
       tabsense help COMMAND                  show a command's options

${MODEL}  --top N            print only the N best labels
  --json             print JSON
  --version          print the version
`;

const EXITS = `
Exit codes: 0 done; 1 failed, stderr says "tabsense: KIND: what to do"; 2 invalid command line; 130 stopped by Ctrl-C
(143 by SIGTERM). A closed output (| head) is not an error.
`;

/** The help of one command, or of all. */
export function help(command: Command | null): string {
  return `${command ? `${USAGE[command]}\n${DETAILS[command]}` : GENERAL}${EXITS}`;
}

/** What is printed for an invalid command line. */
export function usageOf(command: Command | null): string {
  return command ? `${USAGE[command]}Try: tabsense ${command} --help\n` : GENERAL;
}
