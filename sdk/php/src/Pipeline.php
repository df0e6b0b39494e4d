<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Keeps commands until all are there.
 *
 * @internal
 */
final class Pipeline implements Connection
{
    /** @var list<non-empty-list<string>> */
    private array $commands = [];
    private bool $ended = false;

    public function send(array $command): void
    {
        if ($this->ended) {
            throw new SioemitException(
                Reason::PipelineEnded,
                'the function of the pipeline has returned, and nobody would send what is added now',
            );
        }
        $this->commands[] = $command;
    }

    public function sendAll(array $commands): void
    {
        foreach ($commands as $command) {
            $this->send($command);
        }
    }

    public function askAll(array $command): array
    {
        throw new SioemitException(
            Reason::InPipeline,
            'serverCount needs an answer, which a pipeline has only at its end',
        );
    }

    /**
     * Ends the pipeline and returns its commands.
     *
     * @return list<non-empty-list<string>>
     */
    public function end(): array
    {
        $this->ended = true;
        return $this->commands;
    }
}
