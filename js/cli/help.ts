/** What `--help` prints. */

import { CONVERT_DTYPES } from "../convert.js";
import { DTYPES } from "../files/choice.js";
import { ENCODINGS } from "../csv/content.js";
import { ANY_OF, DEFAULT_EMBEDDER, type Command } from "./arguments.js";

const CONVERTED = ANY_OF.format(CONVERT_DTYPES);

const USAGE: Record<Command, string> = {
  classify: `Usage: tabsense [classify] TEXT...            classify each text
       tabsense [classify] FILE [--out FILE]  classify each row of a file; - is the standard input
`,
  teach: `Usage: tabsense teach FILE --out FILE       FILE has examples, --out gets the classifier
`,
  convert: `Usage: tabsense convert IN OUT --dtype TYPE     TYPE is ${CONVERTED}
       tabsense convert IN FOLDER --vocabulary TEXTS --keep N [--dtype TYPE]
       tabsense convert IN OUT [--compress]        the same numbers, for IN in safetensors
`,
  info: `Usage: tabsense info [MODEL]
`,
  bench: `Usage: tabsense bench [MODEL]
`,
};

const MODEL = `  --model MODEL      an embedded model's name, "org/name[@revision]" on a model hub, a URL or a folder
                     (default: sentiment-en); the environment variable HF_ENDPOINT names another hub
`;

const DEVICE = `  --device DEVICE    auto, cpu or webgpu (Node has no WebGPU: there the CPU computes)
`;

const DTYPE = `  --dtype TYPE       which weights to take: ${DTYPES.join(", ")}
                     (auto: the smallest file of 8 bits or more; fp16 is for graphics cards)
`;

const DETAILS: Record<Command, string> = {
  classify: `Prints the labels of each text, best first. With a file, or with a pipe on the standard input, each row gets an answer,
in the order of the rows; the file may be of any length. A row of CSV or JSON Lines keeps all it has and gets "label" and
"score". An argument is a file where there is one of that name, or where it ends in .csv, .tsv, .jsonl, .ndjson or .txt;
all that follows -- is text: tabsense -- info

Model:
${MODEL}${DEVICE}${DTYPE}  --threads N        processors to use at most (default: all for a file, four for a text)
  --taught FILE      classify with what \`tabsense teach\` wrote, by its labels; --model then names its encoder, where that is
                     not found by the name in the file

Text:
  --pair TEXT        a second text, for models of pairs: the two are classified as one

Answers:
  --top N            give the N best labels, or all (default: all for a text, the best for a row)
  --json             one JSON object a text, also for a file

Files:
  --format FORMAT    csv, tsv, jsonl or text (one a line); default: by the file's name, and text for the standard input
  --encoding NAME    ${ANY_OF.format(ENCODINGS)} (default: utf-8)
  --column NAME      where the text is: a column's name, or its number from 1; in JSON Lines the property
                     (default: "text", or the only column)
  --pair-column NAME where the second text of a pair is, for models of pairs: named like --column
  --delimiter CHAR   what separates columns (default: a comma, semicolon, tab or | as the CSV's first rows show; a tab in TSV)
  --quote CHAR       what quotes fields, or none (default: " in CSV, none in TSV)
  --no-header        the CSV's first row is data
  --skip-invalid     leave out rows that can't be classified, and say how many; else the first one ends the command
  --out FILE         write there: .jsonl, .csv or .tsv (default: JSON Lines on the standard output)
  --out-format FORMAT
                     csv or jsonl, whatever the output's name
  --prefix TEXT      put TEXT in front of the names of the answers' columns
  --escape-formulas  in CSV, put ' in front of cells that a spreadsheet would compute (labels always have it)
  --resume           go on where an earlier run with the same options was ended, after what --out holds
  --force            overwrite --out
`,
  teach: `Teaches a classifier of your own labels from examples, a text and its label in a row, and tells how well all others would tell
each of them. The classifier is one JSON file, for --taught and for TaughtClassifier.from.

Model:
  --model MODEL      the encoder that makes vectors of texts, named as for classify (default: ${DEFAULT_EMBEDDER})
${DEVICE}${DTYPE}  --threads N        processors to use at most (default: four)

Examples:
  --text NAME        where the text is: a column's name, or its number from 1; in JSON Lines the property (default: "text")
  --label NAME       where its label is (default: "label")
  --separator TEXT   a row has several labels, or none, with TEXT between them
  --format FORMAT    csv, tsv or jsonl; default: by the file's name
  --encoding NAME    ${ANY_OF.format(ENCODINGS)} (default: utf-8)
  --delimiter CHAR, --quote CHAR, --no-header
                     as for classify

  --out FILE         where the classifier is written
  --force            overwrite --out
  --json             print the report as one JSON object
`,
  convert: `Converts weights to a smaller safetensors file. IN is a file (safetensors, ONNX, PyTorch's .bin), or a model that has one: a
folder, a URL, or "org/name[@revision]" on a model hub. Of several files the one of full weights is taken.

  --dtype TYPE       ${CONVERTED}
  --calibration TEXTS
                     for int4: texts of the kind that the model will read, one a line, or JSON Lines (.jsonl) with a
                     property "text"; config.json and the tokenizer's files must be there beside the weights
  --compress         write the weights with their entropy taken out: 8 to 9 % fewer bytes, the same numbers. Only Tabsense
                     reads such a file
  --tables TYPE      for int4: what the words' embedding table becomes, int8 (the default) or int4, half as large; others are int8
  --vocabulary TEXTS, --keep N
                     for models with WordPiece (BERT and its kin): keep the N tokens that serve these texts best, with their
                     rows of the word embeddings, and write the folder of such a model. Special and added tokens and the
                     single characters of the scripts that the texts use stay in any case: dropped words are cut into
                     what stays. TEXTS has one a line, or is CSV, TSV or JSON Lines by its name. Without --dtype the
                     weights keep their type
  --column NAME      where the text is in TEXTS, as for classify (default: "text", or the only column)
  --force            overwrite OUT, which is else not touched where it is there already; IN itself never is
`,
  info: `Tells what a model is, from its configuration and the header of its weights; the weights themselves are not read.

${MODEL}  --json             as one JSON object
`,
  bench: `Measures a model on this machine, in some fifteen seconds: how long it takes to load, from text to scores for texts of 16, 32
and 128 tokens (median and 90th percentile), and how many texts a second many at once are.

${MODEL}${DEVICE}${DTYPE}                     (more than one: --dtype int8,fp32)
  --threads N        on how many threads; more than one: --threads 1,2 (default: one, and all up to four)
  --json             as one JSON object
`,
};

const GENERAL = `Usage: tabsense TEXT...                       classify each text
       tabsense classify FILE [--out FILE]    classify each row of a CSV, JSON Lines or text file; - is the standard input
       tabsense teach FILE --out FILE         teach a classifier of your own labels from examples
       tabsense convert IN OUT --dtype TYPE   convert a model's weights to ${CONVERTED}
       tabsense info [MODEL]                  what a model is, without loading it
       tabsense bench [MODEL]                 how fast a model is on this machine
       tabsense help COMMAND                  a command's options

${MODEL}  --top N            print only the N best labels
  --json             print JSON
  --version          print the version
`;

const EXITS = `
Exit codes: 0 done; 1 failed, stderr says "tabsense: KIND: what to do"; 2 the command line makes no sense; 130 stopped by Ctrl-C
(143 by SIGTERM). A closed output (| head) is no failure.
`;

/** The help of one command, or of all. */
export function help(command: Command | null): string {
  return `${command ? `${USAGE[command]}\n${DETAILS[command]}` : GENERAL}${EXITS}`;
}

/** What is said of a command line that makes no sense. */
export function usageOf(command: Command | null): string {
  return command ? `${USAGE[command]}Try: tabsense ${command} --help\n` : GENERAL;
}
