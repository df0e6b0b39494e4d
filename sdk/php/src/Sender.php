<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * How commands go out: each at once, or all of a pipeline together.
 *
 * @internal
 */
interface Sender
{
    /**
     * Sends a command that is for a namespace.
     *
     * @param non-empty-list<string> $command
     */
    public function send(string $namespace, array $command): void;

    /**
     * Returns that which sends at once, for a call that needs an answer.
     */
    public function direct(): DirectSender;
}
