<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Keeps commands until all are there.
 *
 * @internal
 */
final class Pipeline implements Sender
{
    /** @var list<non-empty-list<string>> */
    private array $commands = [];

    /** @var list<string> of each command */
    private array $namespaces = [];
    private bool $ended = false;

    public function send(string $namespace, array $command): void
    {
        if ($this->ended) {
            throw new SioemitException(
                Reason::PipelineEnded,
                'the function of the pipeline has returned, and nobody would send what is added now',
            );
        }
        $this->commands[] = $command;
        $this->namespaces[] = $namespace;
    }

    public function direct(): DirectSender
    {
        throw new SioemitException(
            Reason::InPipeline,
            'this call needs an answer, which a pipeline has only at its end',
        );
    }

    /**
     * Lets nothing more be added.
     */
    public function end(): void
    {
        $this->ended = true;
    }

    public function sendBy(#[\SensitiveParameter] DirectSender $sender): void
    {
        if ($this->commands !== []) {
            $sender->sendAll($this->namespaces, $this->commands);
        }
    }
}
