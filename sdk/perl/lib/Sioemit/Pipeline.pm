package Sioemit::Pipeline;

use strict;
use warnings;

use parent 'Sioemit::Operator';

use Sioemit::Error qw(refuse);

sub new {
    my ($class, $options, $target) = @_;
    my $batch = { commands => [], namespaces => { $target->{namespace} => 1 } };
    return bless { options => $options, target => $target, batch => $batch }, $class;
}

# of collects the namespaces of the events, here and not with each of these.
sub of {
    my ($self, $namespace) = @_;
    my $other = $self->SUPER::of($namespace);
    $self->{batch}{namespaces}{ $other->{target}{namespace} } = 1;
    return $other;
}

sub send {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, @command) = @_;
    refuse('pipeline-ended', 'the sub of the pipeline has returned, and what it made ended with it')
        if $self->{batch}{ended};
    push @{ $self->{batch}{commands} }, \@command;
    return;
}

sub ask {
    my (undef, $call) = @_;
    return refuse('pipelined', "$call needs an answer and cannot be part of a pipeline");
}

# end takes no more commands, and returns those that were collected, and their namespaces.
sub end {
    my ($self) = @_;
    my $batch = $self->{batch};
    $batch->{ended} = 1;
    return { map { $_ => delete $batch->{$_} } qw(commands namespaces) };
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Pipeline - many events in one round trip

=head1 SYNOPSIS

    $io->pipeline(sub {
        my ($pipe) = @_;
        $pipe->to("user:$_")->emit('tick', $_) for 1 .. 1000;
    });

=head1 DESCRIPTION

What C<pipeline> of L<Sioemit> gives to its sub: a L<Sioemit::Operator> that collects. It has no calls with replies.

=head1 METHODS

=head2 new

=head2 of

=head2 send

=head2 ask

=head2 end

=cut
