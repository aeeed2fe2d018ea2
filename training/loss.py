"""The loss of GRPO and its kin, as functions of log-probabilities: to be read aloud.

Shapes: B samples, T tokens (padded). A position counts where `mask` is 1: there the agent decided. For one sample with ratio
r = exp(logp - logp when sampled) and advantage A, the clipped objective is min(r A, clip(r, 1 - low, 1 + high) A).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["grpo", "dapo", "cispo"]
Level = Literal["token", "sequence"]


@dataclass(frozen=True, slots=True)
class LossRule:
    """Which loss: settings as in the papers named.

    `kind`: `grpo` (mean over samples of the mean over tokens; 2402.03300), `dapo` (mean over all tokens; 2503.14476), `cispo` (the ratio as a
    clipped weight without gradient; 2506.13585). `level`: ratio per token, or per sequence (GSPO; 2507.18071). `kl` weighs the k3 estimate
    of the divergence from a reference, `entropy` a bonus in nats.
    """

    kind: Kind = "dapo"
    level: Level = "token"
    clip_low: float = 0.2
    clip_high: float = 0.2
    kl: float = 0.0
    entropy: float = 0.0


@dataclass(frozen=True, slots=True)
class LossParts:
    """`total` to go downhill on (scalar), and what it is made of: `policy`, `kl`, `entropy` (nats), share of `clipped` positions."""

    total: Tensor
    policy: Tensor
    kl: Tensor
    entropy: Tensor
    clipped: Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the positions that count; 0 if none does."""
    return (values * mask).sum() / mask.sum().clamp(min=1.0)


def mean_of_means(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over samples of the mean over their positions that count."""
    return ((values * mask).sum(-1) / mask.sum(-1).clamp(min=1.0)).mean()


def log_ratio(logps: Tensor, sampled: Tensor, mask: Tensor, level: Level) -> Tensor:
    """Log of the probability ratio: (B, T) per token, (B, 1) per sequence (mean over its tokens)."""
    ratio = logps - sampled
    if level == "token":
        return ratio
    return ((ratio * mask).sum(-1) / mask.sum(-1).clamp(min=1.0)).unsqueeze(-1)


def clipped_surrogate(ratio: Tensor, advantage: Tensor, rule: LossRule) -> Tensor:
    """The PPO surrogate, negated: what clipping keeps from moving further."""
    clipped = ratio.clamp(1.0 - rule.clip_low, 1.0 + rule.clip_high)
    return -torch.minimum(ratio * advantage, clipped * advantage)


def weighted_likelihood(ratio: Tensor, advantage: Tensor, logps: Tensor, rule: LossRule) -> Tensor:
    """CISPO: the likelihood of every token, weighed by a ratio that is capped and carries no gradient."""
    return -ratio.clamp(max=1.0 + rule.clip_high).detach() * advantage * logps


def k3(logps: Tensor, reference: Tensor) -> Tensor:
    """Schulman's k3 estimate of the divergence from the reference: unbiased, never negative."""
    gap = reference - logps
    return gap.exp() - gap - 1.0


def policy_loss(
    logps: Tensor,
    sampled: Tensor,
    advantages: Tensor,
    mask: Tensor,
    rule: LossRule,
    *,
    entropies: Tensor,
    reference: Tensor | None = None,
    weights: Tensor | None = None,
) -> LossParts:
    """The loss of a batch.

    Args:
        logps: Log-probabilities now (B, T), with gradient.
        sampled: Log-probabilities when sampled (B, T).
        advantages: One per sample (B), or per position (B, T).
        mask: 1 where the agent decided (B, T).
        rule: Which loss.
        entropies: Entropy of each distribution in nats (B, T).
        reference: Log-probabilities of the reference model (B, T), for `rule.kl`.
        weights: Weight of each sample (B), or position (B, T), so that a talkative role does not dominate.

    Raises:
        ValueError: `rule.kl` asks for a reference that was not given.
    """
    if rule.kl and reference is None:
        raise ValueError("a loss with a divergence term needs the log-probabilities of a reference model")
    advantage = advantages if advantages.dim() == 2 else advantages.unsqueeze(1)
    ratio = log_ratio(logps, sampled, mask, rule.level).exp()
    per_token = weighted_likelihood(ratio, advantage, logps, rule) if rule.kind == "cispo" else clipped_surrogate(ratio, advantage, rule)
    if weights is not None:
        per_token = per_token * (weights if weights.dim() == 2 else weights.unsqueeze(1))
    reduce = mean_of_means if rule.kind == "grpo" else masked_mean
    policy = reduce(per_token, mask)
    divergence = torch.zeros_like(policy) if reference is None else reduce(k3(logps, reference), mask)
    entropy = masked_mean(entropies, mask)
    outside = ((ratio > 1.0 + rule.clip_high) & (advantage > 0)) | ((ratio < 1.0 - rule.clip_low) & (advantage < 0))
    clipped = masked_mean(outside.expand_as(mask).float(), mask)
    total = policy + rule.kl * divergence - rule.entropy * entropy
    return LossParts(total, policy.detach(), divergence.detach(), entropy.detach(), clipped)
