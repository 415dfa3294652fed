"""A training run that may be stopped at any time: its state is saved every few minutes."""

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Plan:
    """A run of `steps` optimizer steps with a linear warm-up and a linear decay of the rate."""

    steps: int
    rate: float
    head_rate: float
    warm_up: int
    weight_decay: float = 0.01
    averaged_from: float = 1.0  # the share of the steps after which weights are averaged; 1: never


def factor(plan: Plan, step: int) -> float:
    if step < plan.warm_up:
        return (step + 1) / plan.warm_up
    return max(0.0, (plan.steps - step) / max(1, plan.steps - plan.warm_up))


def groups(model: torch.nn.Module, plan: Plan, is_head: Callable[[str], bool]) -> list[dict]:
    """Parameters by rate and decay; norms and biases don't decay."""
    made: dict[tuple[float, float], list] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            key = (plan.head_rate if is_head(name) else plan.rate, plan.weight_decay if parameter.ndim > 1 else 0.0)
            made.setdefault(key, []).append(parameter)
    return [{"params": all_, "lr": rate, "rate": rate, "weight_decay": decay} for (rate, decay), all_ in made.items()]


def run(
    model: torch.nn.Module,
    plan: Plan,
    is_head: Callable[[str], bool],
    loss_of: Callable[[int], torch.Tensor],
    checkpoint: Path,
    log: Path,
    minutes: float,
) -> bool:
    """Runs `plan` from where `checkpoint` left it, for at most `minutes`; true once all its steps are done.

    `loss_of(step)` returns the loss of the step's batch, always the same batch for a step: so a run that was
    stopped continues as if it hadn't been (except for dropout).
    """
    model.to(DEVICE).train()
    optimizer = torch.optim.AdamW(groups(model, plan, is_head), betas=(0.9, 0.98), eps=1e-6, fused=True)
    step, average, averaged = 0, None, 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=DEVICE, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step, average, averaged = saved["step"], saved["average"], saved["averaged"]
        print(f"goes on at step {step} of {plan.steps}", flush=True)
    started = saved_at = told_at = time.monotonic()
    total = told = 0

    def save() -> None:
        being_written = checkpoint.with_suffix(".tmp")
        torch.save(
            {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "step": step,
                "average": average,
                "averaged": averaged,
            },
            being_written,
        )
        os.replace(being_written, checkpoint)

    while step < plan.steps:
        now = time.monotonic()
        if now - started > minutes * 60:
            save()
            return False
        if now - saved_at > 300:
            save()
            saved_at = now
        for group in optimizer.param_groups:
            group["lr"] = group["rate"] * factor(plan, step)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            loss = loss_of(step)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        if step > plan.averaged_from * plan.steps:
            state = model.state_dict()
            averaged += 1
            if average is None:
                average = {name: tensor.clone() for name, tensor in state.items()}
            else:
                for name, tensor in average.items():
                    tensor += (state[name] - tensor) / averaged
        value = loss.item()
        if not math.isfinite(value):
            raise SystemExit(f"the loss is {value} at step {step}")
        total, told = total + value, told + 1
        if step % 100 == 0 or step == plan.steps:
            line = {
                "step": step,
                "of": plan.steps,
                "loss": round(total / told, 4),
                "seconds": round(time.monotonic() - told_at, 1),
            }
            told_at, total, told = time.monotonic(), 0, 0
            print(line, flush=True)
            with log.open("a") as lines:
                lines.write(json.dumps(line) + "\n")
    save()
    if average is not None:
        model.load_state_dict(average)
    return True
