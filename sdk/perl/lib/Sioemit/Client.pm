package Sioemit::Client;

use strict;
use warnings;

use Sioemit::Error ();

sub new {
    my ($class, $redis) = @_;
    return bless { redis => $redis }, $class;
}

# call sends one command and returns its answer.
sub call {
    my ($self, $command, @words) = @_;
    my @answer;
    local $SIG{PIPE} = 'IGNORE';    # what is written to a connection that has gone would end the program
    eval { @answer = $self->{redis}->$command(@words); 1 } or _failed($@);
    return @answer;
}

# call_all sends commands in one round trip.
sub call_all {
    my ($self,     @commands) = @_;
    my ($answered, @errors)   = (0);
    my $redis = $self->{redis};
    local $SIG{PIPE} = 'IGNORE';
    my $note = sub {
        my (undef, $error) = @_;
        $answered++;
        push @errors, $error if defined $error;
    };
    eval {
        for my $words (@commands) {
            my ($command, @rest) = @$words;
            $redis->$command(@rest, $note);
        }
        $redis->wait_all_responses;
        1;
    } or _failed($@);
    _failed(
        sprintf '%d of %d commands of the pipeline failed, the first with: %s',
        scalar @errors,
        scalar @commands,
        $errors[0]
    ) if @errors;

    # Redis forgets what it waits for when it connects again.
    _failed(
        sprintf 'the connection broke: %d of %d commands of the pipeline were not answered, and may be lost',
        @commands - $answered,
        scalar @commands
    ) if $answered != @commands;
    return;
}

# _failed dies with what the client said. A backtrace shows the words of commands, and Redis repeats those of a command
# that it does not know: AUTH may have been renamed.
sub _failed {
    my ($said)    = @_;
    my ($message) = "$said" =~ /\A([^\n]*)/;
    $message =~ s/,? at \S+ line \d+.*//;
    $message =~ s/with args beginning with:.*/with arguments that are not repeated here/;
    $message .= '; this Redis is a node of a Redis Cluster, which the Perl clients cannot follow'
        if $message =~ /\bMOVED \d/;
    die Sioemit::Error->new('redis', $message);
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Client - commands to the Redis of the program

=head1 DESCRIPTION

What L<Redis> and L<Redis::Fast> die with becomes a L<Sioemit::Error> whose reason is C<redis>.

=head1 METHODS

=head2 new

=head2 call

=head2 call_all

=cut
