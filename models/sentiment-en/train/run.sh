#!/bin/sh
# Runs all steps in order; each resumes where it was interrupted. Needs the folders WORK, DATA, TEACHER and STUDENT.
set -eu
cd "$(dirname "$0")"
: "${PYTHON:=python3}" "${KEEP:=16000}"
teach() { "$PYTHON" teacher.py --data "$DATA/sentiment" --encoder "$TEACHER" --work "$WORK" "$@"; }
[ -d "$WORK/teacher-1" ] || teach --name teacher-1 --sst2 0
[ -d "$WORK/teacher-2" ] || teach --name teacher-2 --sst2 1 --start "$WORK/teacher-1" --steps 750 --rate 3e-5 --seed 1
[ -d "$WORK/teacher" ] || "$PYTHON" blend.py "$WORK/teacher-1" "$WORK/teacher-2" "$WORK/teacher" --share 0.6
"$PYTHON" label.py --data "$DATA/sentiment" --work "$WORK"
if [ ! -d "$WORK/pruned" ]; then
  "$PYTHON" base.py --encoder "$STUDENT" --out "$WORK/base"
  gzip -dc "$DATA/sentiment/train.tsv.gz" | cut -f 3 > "$WORK/texts.txt"
  npx tabsense convert "$WORK/base" "$WORK/pruned" --dtype fp16 --vocabulary "$WORK/texts.txt" --keep "$KEEP"
fi
[ -d "$WORK/student" ] || "$PYTHON" student.py --data "$DATA/sentiment" --base "$WORK/pruned" --work "$WORK"
if [ ! -d "$WORK/rounded" ]; then
  "$PYTHON" student.py --data "$DATA/sentiment" --base "$WORK/student" --work "$WORK" \
    --name rounded --rounded --epochs 1 --steps 1500 --rate 1e-4
  "$PYTHON" calibrate.py "$WORK/rounded" --data "$DATA/sentiment"
fi
"$PYTHON" rounding.py "$WORK/rounded" "$WORK/model.safetensors"
npx tabsense convert "$WORK/model.safetensors" "$WORK/small.safetensors" --compress --force
"$PYTHON" evaluate.py "$WORK/rounded" --data "$DATA"
